using System.Numerics;

namespace Moesaic.Scheduling;

/// <summary>
/// The blocks of one cache group. A block is free (content worthless), used (referred to by page tables) or cached (unused,
/// but found by the hash of its content until it is evicted, least recently used first). A block with a hash is whole and
/// is never written again. Everything is preallocated; every operation takes constant time.
/// </summary>
internal sealed class BlockPool
{
    private const int None = -1;

    private readonly Block[] _blocks;
    private readonly int[] _buckets;
    private int _freeHead;
    private int _oldest = None;
    private int _newest = None;

    public BlockPool(int numBlocks)
    {
        _blocks = new Block[numBlocks];
        _buckets = new int[BitOperations.RoundUpToPowerOf2((uint)numBlocks) * 2];
        Array.Fill(_buckets, None);
        for (int i = 0; i < numBlocks; i++)
        {
            _blocks[i].Next = i + 1 < numBlocks ? i + 1 : None;
        }

        NumFree = numBlocks;
    }

    public int NumBlocks => _blocks.Length;

    /// <summary>Blocks without content.</summary>
    public int NumFree { get; private set; }

    /// <summary>Unused blocks whose content can be found.</summary>
    public int NumCached { get; private set; }

    public int NumUsed { get; private set; }

    /// <summary>Blocks that <see cref="Allocate"/> can give out.</summary>
    public int NumAvailable => NumFree + NumCached;

    /// <summary>Cached blocks given up so far to make room.</summary>
    public long NumEvictions { get; private set; }

    /// <summary>Blocks that stopped being used so far.</summary>
    public long NumRetired { get; private set; }

    public bool IsShared(int block) => _blocks[block].References > 1;

    /// <summary>A block with one reference and worthless content. <see cref="NumAvailable"/> must not be 0.</summary>
    public int Allocate()
    {
        int block = _freeHead;
        if (block != None)
        {
            _freeHead = _blocks[block].Next;
            NumFree--;
        }
        else
        {
            block = _oldest;
            Unlink(block);
            Unregister(block);
            NumEvictions++;
        }

        _blocks[block].References = 1;
        NumUsed++;
        return block;
    }

    /// <summary>Adds a reference to a used or cached block.</summary>
    public void Acquire(int block)
    {
        if (_blocks[block].References++ == 0)
        {
            Unlink(block);
            NumUsed++;
        }
    }

    /// <summary>Gives a reference back; the last one makes the block cached or free.</summary>
    public void Release(int block)
    {
        ref Block b = ref _blocks[block];
        if (--b.References > 0)
        {
            return;
        }

        // A source of the copies of the step being planned keeps its content: copies may then run in any order.
        if (b.IsCopySource)
        {
            return;
        }

        Retire(block);
    }

    /// <summary>Keeps the block from being given out until <see cref="EndCopy"/>, even if nobody refers to it.</summary>
    public void BeginCopy(int block) => _blocks[block].IsCopySource = true;

    public void EndCopy(int block)
    {
        ref Block b = ref _blocks[block];
        if (b.IsCopySource)
        {
            b.IsCopySource = false;
            if (b.References == 0)
            {
                Retire(block);
            }
        }
    }

    /// <summary>The block with this content, or -1.</summary>
    public int Find(UInt128 hash)
    {
        int block = _buckets[BucketOf(hash)];
        while (block != None && _blocks[block].Hash != hash)
        {
            block = _blocks[block].BucketNext;
        }

        return block;
    }

    /// <summary>Makes a used, whole block findable. If another block has the same content already, this one stays private.</summary>
    public void Register(int block, UInt128 hash)
    {
        ref Block b = ref _blocks[block];
        if (b.IsRegistered || Find(hash) != None)
        {
            return;
        }

        ref int bucket = ref _buckets[BucketOf(hash)];
        b.Hash = hash;
        b.IsRegistered = true;
        b.BucketNext = bucket;
        bucket = block;
    }

    /// <summary>Forgets the content of all blocks; used ones stay used.</summary>
    public void Forget()
    {
        for (int i = 0; i < _blocks.Length; i++)
        {
            if (!_blocks[i].IsRegistered)
            {
                continue;
            }

            Unregister(i);
            if (_blocks[i].References == 0)
            {
                Unlink(i);
                PushFree(i);
            }
        }
    }

    /// <summary>Counts everything anew and compares.</summary>
    /// <param name="references">References that page tables hold, by block.</param>
    /// <returns>What is wrong, or null.</returns>
    public string? Check(ReadOnlySpan<int> references)
    {
        int free = 0;
        for (int i = _freeHead; i != None; i = _blocks[i].Next, free++)
        {
            if (_blocks[i].References != 0 || _blocks[i].IsRegistered || free > NumBlocks)
            {
                return $"block {i} in the free list is in use or has a hash";
            }
        }

        int cached = 0;
        for (int i = _oldest, before = None; i != None; before = i, i = _blocks[i].Next, cached++)
        {
            if (_blocks[i].References != 0 || !_blocks[i].IsRegistered || _blocks[i].Previous != before || cached > NumBlocks)
            {
                return $"block {i} in the list of cached blocks is in use, has no hash or is linked wrongly";
            }
        }

        int used = 0;
        for (int i = 0; i < _blocks.Length; i++)
        {
            if (_blocks[i].References != references[i])
            {
                return $"block {i} has {_blocks[i].References} references, page tables hold {references[i]}";
            }

            if (_blocks[i].IsRegistered && Find(_blocks[i].Hash) != i)
            {
                return $"block {i} is not found by its hash";
            }

            used += _blocks[i].References > 0 ? 1 : 0;
        }

        return free == NumFree && cached == NumCached && used == NumUsed && free + cached + used == NumBlocks
            ? null
            : $"{free} free (counted {NumFree}) + {cached} cached ({NumCached}) + {used} used ({NumUsed}) of {NumBlocks} blocks";
    }

    private int BucketOf(UInt128 hash) => (int)((uint)hash & (uint)(_buckets.Length - 1));

    private void Retire(int block)
    {
        NumUsed--;
        NumRetired++;
        if (!_blocks[block].IsRegistered)
        {
            PushFree(block);
            return;
        }

        ref Block b = ref _blocks[block];
        b.Previous = _newest;
        b.Next = None;
        (_newest == None ? ref _oldest : ref _blocks[_newest].Next) = block;
        _newest = block;
        NumCached++;
    }

    private void PushFree(int block)
    {
        _blocks[block].Next = _freeHead;
        _freeHead = block;
        NumFree++;
    }

    /// <summary>Takes a block out of the list of cached ones.</summary>
    private void Unlink(int block)
    {
        ref Block b = ref _blocks[block];
        (b.Previous == None ? ref _oldest : ref _blocks[b.Previous].Next) = b.Next;
        (b.Next == None ? ref _newest : ref _blocks[b.Next].Previous) = b.Previous;
        NumCached--;
    }

    private void Unregister(int block)
    {
        ref Block b = ref _blocks[block];
        ref int link = ref _buckets[BucketOf(b.Hash)];
        while (link != block)
        {
            link = ref _blocks[link].BucketNext;
        }

        link = b.BucketNext;
        b.IsRegistered = false;
    }

    private struct Block
    {
        public UInt128 Hash;
        public int References;
        public int Previous;
        public int Next;
        public int BucketNext;
        public bool IsRegistered;
        public bool IsCopySource;
    }
}
