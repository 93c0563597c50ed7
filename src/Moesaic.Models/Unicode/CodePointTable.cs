namespace Moesaic.Models.Unicode;

/// <summary>One byte for each of the 0x110000 code points, as a two-stage table in which equal-valued blocks are shared.</summary>
internal sealed class CodePointTable
{
    public const int CodePoints = 0x110000;
    private const int BlockBits = 8;
    private const int BlockSize = 1 << BlockBits;

    private readonly ushort[] _index = new ushort[CodePoints >> BlockBits];
    private readonly byte[] _data;
    private readonly bool[] _uniform;

    /// <param name="runs">Run lengths and values in code point order; together they cover every code point.</param>
    public CodePointTable(IEnumerable<(int Length, byte Value)> runs)
    {
        Dictionary<byte, ushort> uniformBlocks = [];
        List<byte> data = [];
        List<bool> uniform = [];
        byte[] block = new byte[BlockSize];
        int filled = 0, blockNumber = 0;
        foreach ((int runLength, byte value) in runs)
        {
            for (int left = runLength; left > 0;)
            {
                int take = Math.Min(left, BlockSize - filled);
                block.AsSpan(filled, take).Fill(value);
                filled += take;
                left -= take;
                if (filled == BlockSize)
                {
                    filled = 0;
                    bool same = !block.AsSpan().ContainsAnyExcept(block[0]);
                    if (!same || !uniformBlocks.TryGetValue(block[0], out ushort number))
                    {
                        number = (ushort)uniform.Count;
                        data.AddRange(block);
                        uniform.Add(same);
                        if (same)
                        {
                            uniformBlocks[block[0]] = number;
                        }
                    }

                    _index[blockNumber++] = number;
                }
            }
        }

        if (blockNumber != _index.Length)
        {
            throw new InvalidDataException($"A Unicode table covers {blockNumber * BlockSize} code points instead of {CodePoints}.");
        }

        _data = [.. data];
        _uniform = [.. uniform];
    }

    /// <summary>The value of a code point in 0..10FFFF.</summary>
    public byte this[int codePoint] => _data[(_index[codePoint >> BlockBits] << BlockBits) | (codePoint & (BlockSize - 1))];

    /// <summary>All code points whose value passes the test.</summary>
    public CodePointSet Where(Func<byte, bool> test)
    {
        CodePointSet.Builder builder = new();
        for (int block = 0; block < _index.Length; block++)
        {
            int number = _index[block];
            int first = block << BlockBits;
            if (_uniform[number])
            {
                if (test(_data[number << BlockBits]))
                {
                    builder.Add(first, first + BlockSize - 1);
                }

                continue;
            }

            for (int i = 0; i < BlockSize; i++)
            {
                if (test(_data[(number << BlockBits) | i]))
                {
                    builder.Add(first + i, first + i);
                }
            }
        }

        return builder.Build();
    }
}
