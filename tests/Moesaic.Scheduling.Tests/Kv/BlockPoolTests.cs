namespace Moesaic.Scheduling.Tests;

internal sealed class BlockPoolTests
{
    [Test]
    public void Free_blocks_go_first_then_the_longest_unused()
    {
        BlockPool pool = new(4);
        int[] blocks = [pool.Allocate(), pool.Allocate(), pool.Allocate()];
        for (int i = 0; i < 3; i++)
        {
            pool.Register(blocks[i], (UInt128)i + 10);
        }

        pool.Release(blocks[1]);
        pool.Release(blocks[0]);
        pool.Release(blocks[2]);
        pool.Acquire(pool.Find(11));
        pool.Release(blocks[1]);
        Assert.That((pool.NumFree, pool.NumCached, pool.NumUsed), Is.EqualTo((1, 3, 0)));
        Assert.That(blocks, Has.None.EqualTo(pool.Allocate()));
        Assert.That(pool.NumEvictions, Is.Zero);
        Assert.That(new[] { pool.Allocate(), pool.Allocate(), pool.Allocate() }, Is.EqualTo(new[] { blocks[0], blocks[2], blocks[1] }));
        Assert.That(new[] { pool.Find(10), pool.Find(11), pool.Find(12) }, Has.All.EqualTo(-1), "evicted content is not found");
        Assert.That((pool.NumAvailable, pool.NumEvictions), Is.EqualTo((0, 3L)));
        Assert.That(pool.Check([1, 1, 1, 1]), Is.Null);
    }

    [Test]
    public void Equal_content_is_registered_once()
    {
        BlockPool pool = new(2);
        int first = pool.Allocate();
        int second = pool.Allocate();
        pool.Register(first, 7);
        pool.Register(second, 7);
        Assert.That(pool.Find(7), Is.EqualTo(first));
        pool.Release(second);
        Assert.That((pool.NumFree, pool.NumCached), Is.EqualTo((1, 0)), "the copy is of no use to anyone");
    }

    [Test]
    public void References_keep_a_block()
    {
        BlockPool pool = new(1);
        int block = pool.Allocate();
        pool.Acquire(block);
        Assert.That(pool.IsShared(block));
        pool.Release(block);
        Assert.That((pool.IsShared(block), pool.NumUsed, pool.NumRetired), Is.EqualTo((false, 1, 0L)));
        pool.Release(block);
        Assert.That((pool.NumFree, pool.NumRetired), Is.EqualTo((1, 1L)));
    }

    [Test]
    public void Source_of_a_copy_is_not_given_out_before_the_step_is_planned()
    {
        BlockPool pool = new(2);
        int source = pool.Allocate();
        pool.BeginCopy(source);
        pool.Release(source);
        Assert.That(pool.NumAvailable, Is.EqualTo(1));
        Assert.That(pool.Allocate(), Is.Not.EqualTo(source));
        pool.EndCopy(source);
        Assert.That(pool.Allocate(), Is.EqualTo(source));
    }

    [Test]
    public void Forgetting_frees_what_nobody_uses()
    {
        BlockPool pool = new(3);
        int used = pool.Allocate();
        int cached = pool.Allocate();
        pool.Register(used, 1);
        pool.Register(cached, 2);
        pool.Release(cached);
        pool.Forget();
        Assert.That((pool.NumFree, pool.NumCached, pool.NumUsed), Is.EqualTo((2, 0, 1)));
        Assert.That((pool.Find(1), pool.Find(2)), Is.EqualTo((-1, -1)));
        Assert.That(pool.Check([1, 0, 0]), Is.Null);
    }

    [Test]
    public void Check_finds_lost_and_invented_references()
    {
        BlockPool pool = new(2);
        int block = pool.Allocate();
        int[] references = new int[2];
        Assert.That(pool.Check(references), Does.Contain("references"));
        references[block] = 2;
        Assert.That(pool.Check(references), Does.Contain("references"));
        references[block] = 1;
        Assert.That(pool.Check(references), Is.Null);
    }

    /// <summary>Against a list that is searched from end to end.</summary>
    [Test]
    public void Agrees_with_a_plain_list_in_any_order_of_calls()
    {
        Random random = new(5);
        BlockPool pool = new(8);
        List<int> lru = [];
        Dictionary<int, UInt128> hashes = [];
        int[] references = new int[8];
        for (int i = 0; i < 5000; i++)
        {
            int block = random.Next(8);
            switch (random.Next(4))
            {
                case 0 when pool.NumAvailable > 0:
                    int allocated = pool.Allocate();
                    if (lru.Remove(allocated))
                    {
                        hashes.Remove(allocated);
                    }

                    Assert.That(references[allocated]++, Is.Zero);
                    break;
                case 1 when references[block] > 0 && !hashes.ContainsKey(block):
                    UInt128 hash = (UInt128)random.Next(12);
                    pool.Register(block, hash);
                    if (!hashes.ContainsValue(hash))
                    {
                        hashes[block] = hash;
                    }

                    break;
                case 2 when references[block] > 0:
                    pool.Release(block);
                    if (--references[block] == 0 && hashes.ContainsKey(block))
                    {
                        lru.Add(block);
                    }

                    break;
                case 3 when hashes.ContainsKey(block):
                    Assert.That(pool.Find(hashes[block]), Is.EqualTo(block));
                    pool.Acquire(block);
                    references[block]++;
                    lru.Remove(block);
                    break;
            }

            Assert.That(pool.Check(references), Is.Null);
            Assert.That(pool.NumCached, Is.EqualTo(lru.Count));
        }
    }
}
