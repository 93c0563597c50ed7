namespace Moesaic.Scheduling.Tests;

/// <summary>
/// Runs steps in order on caches of its own and checks everything that it reads: each token, and in each group every
/// position that a row sees, against what the sequence is when it runs alone.
/// </summary>
internal sealed class FakeExecutor
{
    private readonly KvGroupOptions[] _groups;
    private readonly ulong[][] _caches;
    private readonly FakeModel _model;
    private int[] _sampled = [];
    private long _lastStep;

    public FakeExecutor(SchedulerOptions options, FakeModel model)
    {
        _groups = [.. options.KvGroups];
        _caches = [.. _groups.Select(static g => new ulong[g.NumBlocks * g.BlockTokens])];
        _model = model;
    }

    /// <summary>Sequences whose results do not count any more, as a step of theirs failed.</summary>
    public HashSet<Sequence> Spoiled { get; } = [];

    /// <summary>Runs the step; the result is what it draws.</summary>
    public int[] Run(ScheduledStep step)
    {
        Assert.That(step.Id, Is.EqualTo(++_lastStep), "steps run in order");
        Copy(step);
        int[] tokens = Tokens(step);
        int[] sampled = new int[step.NumSamples];
        Write(step, tokens);
        Read(step);
        for (int i = 0; i < sampled.Length; i++)
        {
            int row = step.LogitRows[step.SampleLogits[i]];
            Sequence owner = OwnerOf(step, row, out int index);
            Sequence drawn = step.SampleSequences[i];
            Assert.That(drawn.Request, Is.SameAs(owner.Request));
            Assert.That(step.SamplePositions[i], Is.EqualTo(step.Positions[row] + 1));
            sampled[i] = FakeModel.Next(Slot(step, 0, index, step.Positions[row]), drawn);
        }

        _sampled = sampled;
        return sampled;
    }

    /// <summary>The step fails half-way: whatever it was to write is garbage.</summary>
    public void Fail(ScheduledStep step)
    {
        Assert.That(step.Id, Is.EqualTo(++_lastStep));
        Copy(step);
        foreach (Sequence sequence in step.Sequences)
        {
            Spoiled.Add(sequence);
        }

        foreach (Sequence sequence in step.SampleSequences)
        {
            Spoiled.Add(sequence);
        }

        ForEachRow(step, (row, index) =>
        {
            for (int g = 0; g < _groups.Length; g++)
            {
                Slot(step, g, index, step.Positions[row]) = ulong.MaxValue;
            }
        });
        _sampled = new int[step.NumSamples];
    }

    private static Sequence OwnerOf(ScheduledStep step, int row, out int index)
    {
        index = 0;
        while (step.QueryOffsets[index + 1] <= row)
        {
            index++;
        }

        return step.Sequences[index];
    }

    private static void ForEachRow(ScheduledStep step, Action<int, int> action)
    {
        for (int i = 0; i < step.NumSequences; i++)
        {
            for (int row = step.QueryOffsets[i]; row < step.QueryOffsets[i + 1]; row++)
            {
                action(row, i);
            }
        }
    }

    /// <summary>Any order will do: no block is both source and target.</summary>
    private void Copy(ScheduledStep step)
    {
        for (int g = 0; g < _groups.Length; g++)
        {
            HashSet<int> targets = [.. step.CopyTargets(g).ToArray()];
            Assert.That(targets, Has.Count.EqualTo(step.CopyTargets(g).Length));
            Assert.That(step.CopySources(g).ToArray().Any(targets.Contains), Is.False, "a copied block is overwritten by another copy");
            int size = _groups[g].BlockTokens;
            for (int i = 0; i < step.CopySources(g).Length; i++)
            {
                _caches[g].AsSpan(step.CopySources(g)[i] * size, size).CopyTo(_caches[g].AsSpan(step.CopyTargets(g)[i] * size, size));
            }
        }
    }

    private int[] Tokens(ScheduledStep step)
    {
        int[] tokens = step.TokenIds.ToArray();
        for (int i = 0; i < step.NumPlaceholders; i++)
        {
            Assert.That(step.SourceStep, Is.EqualTo(step.Id - 1));
            Assert.That(tokens[step.PlaceholderRows[i]], Is.EqualTo(ScheduledStep.Placeholder));
            tokens[step.PlaceholderRows[i]] = _sampled[step.PlaceholderSamples[i]];
        }

        Assert.That(tokens, Has.None.EqualTo(ScheduledStep.Placeholder));
        return tokens;
    }

    private void Write(ScheduledStep step, int[] tokens)
    {
        for (int g = 0; g < _groups.Length; g++)
        {
            Dictionary<int, Sequence> writers = [];
            int group = g;
            ForEachRow(step, (row, index) =>
            {
                Sequence sequence = step.Sequences[index];
                int position = step.Positions[row];
                int block = Block(step, group, index, position);
                Assert.That(writers.TryAdd(block, sequence) || writers[block] == sequence, "two sequences write one block");
                ulong before = position == 0 ? FakeModel.Root(sequence.Request) : _model.Of(sequence).Prefix(position - 1);
                Slot(step, group, index, position) = FakeModel.Append(before, tokens[row]);
            });

            // Nobody else may even see a block that is being written.
            for (int i = 0; i < step.NumSequences; i++)
            {
                for (int p = 0; p <= step.Positions[step.QueryOffsets[i + 1] - 1]; p += _groups[g].BlockTokens)
                {
                    int block = step.PageTables[(((g * step.NumSequences) + i) * step.PagesStride) + (p / _groups[g].BlockTokens)];
                    Assert.That(block < 0 || !writers.TryGetValue(block, out Sequence? writer) || writer == step.Sequences[i], "a written block is shared");
                }
            }
        }
    }

    private void Read(ScheduledStep step)
    {
        for (int g = 0; g < _groups.Length; g++)
        {
            int group = g;
            int window = _groups[g].Window == 0 ? int.MaxValue : _groups[g].Window;
            ForEachRow(step, (row, index) =>
            {
                Sequence sequence = step.Sequences[index];
                if (Spoiled.Contains(sequence))
                {
                    return;
                }

                FakeModel.Truth truth = _model.Of(sequence);
                for (int p = Math.Max(0, step.Positions[row] - window + 1); p <= step.Positions[row]; p++)
                {
                    if (Slot(step, group, index, p) != truth.Prefix(p))
                    {
                        Assert.Fail($"step {step.Id}, group {group}, request {sequence.Request.Number}: row at position {step.Positions[row]} sees something else at {p}");
                    }
                }
            });
        }
    }

    private int Block(ScheduledStep step, int group, int index, int position)
    {
        int block = step.PageTables[(((group * step.NumSequences) + index) * step.PagesStride) + (position / _groups[group].BlockTokens)];
        if ((uint)block >= (uint)_groups[group].NumBlocks)
        {
            Assert.Fail($"group {group}: position {position} has block {block}");
        }

        return block;
    }

    private ref ulong Slot(ScheduledStep step, int group, int index, int position) =>
        ref _caches[group][(Block(step, group, index, position) * _groups[group].BlockTokens) + (position % _groups[group].BlockTokens)];
}
