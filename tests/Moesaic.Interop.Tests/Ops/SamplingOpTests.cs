using Moesaic.Bindings;

namespace Moesaic.Interop.Tests;

/// <summary>Every field of the sampling calls reaches the op it is meant for.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class SamplingOpTests : IDisposable
{
    private const int Vocabulary = 5;
    private const int Padded = 8;
    private static readonly float[] Logits = [1, 4, 2, 3, 0, 99, 99, 99];
    private readonly TestDevice _device = new();

    public void Dispose() => _device.Dispose();

    [Test]
    public void Greedy_takes_the_best_token_and_reports_alternatives()
    {
        double[] p = Reference.Softmax([.. Logits.Take(Vocabulary).Select(v => (double)v)]);
        (int[] ids, float[] logprobs, int[] topIds, float[] topLogprobs) = Sample(new SamplingRow());
        Assert.That(ids, Is.EqualTo(new[] { 1 }));
        Assert.That(logprobs[0], Is.EqualTo(Math.Log(p[1])).Within(Reference.Tolerance));
        Assert.That(topIds, Is.EqualTo(new[] { 1, 3 }));
        Assert.That(topLogprobs, Is.EqualTo(new[] { Math.Log(p[1]), Math.Log(p[3]) }).Within(Reference.Tolerance));
    }

    [Test]
    public void Masks_biases_and_penalties_reach_the_op()
    {
        PinnedArray<uint> mask = new(1);
        mask[0] = 0b01101; // not token 1
        Assert.That(Sample(new SamplingRow { Mask = mask.Slice(0, 1) }).Ids, Is.EqualTo(new[] { 3 }));

        PinnedArray<TokenBias> biases = new(1);
        biases[0] = new TokenBias(4, 10);
        Assert.That(Sample(new SamplingRow { Biases = biases.Slice(0, 1) }).Ids, Is.EqualTo(new[] { 4 }));

        PinnedArray<TokenCount> counts = new(2);
        counts[0] = new TokenCount(0, 0, 1);
        counts[1] = new TokenCount(1, 2, 2);
        PinnedSlice<TokenCount> slice = counts.Slice(0, 2);
        Assert.That(Sample(new SamplingRow { TokenCounts = slice, FrequencyPenalty = 0.6f }).Ids, Is.EqualTo(new[] { 3 }));
        Assert.That(Sample(new SamplingRow { TokenCounts = slice, PresencePenalty = 1.5f }).Ids, Is.EqualTo(new[] { 3 }));
        Assert.That(Sample(new SamplingRow { TokenCounts = slice, RepetitionPenalty = 2 }).Ids, Is.EqualTo(new[] { 3 }));
    }

    [Test]
    public void Filters_leave_the_best_token_alone()
    {
        SamplingRow hot = new() { Temperature = 100, Seed = 1 };
        for (ulong position = 0; position < 20; position++)
        {
            Assert.That(Sample(hot with { TopK = 1, Position = position }).Ids[0], Is.EqualTo(1));
            Assert.That(Sample(hot with { TopP = 0.01f, Position = position }).Ids[0], Is.EqualTo(1));
            Assert.That(Sample(hot with { MinP = 0.999f, Position = position }).Ids[0], Is.EqualTo(1));
        }
    }

    [Test]
    public void Draws_depend_on_seed_index_and_position_and_repeat()
    {
        SamplingRow hot = new() { Temperature = 100 };
        int[] Draw(Func<uint, SamplingRow> row) => [.. Enumerable.Range(0, 40).Select(i => Sample(row((uint)i)).Ids[0])];
        int[] bySeed = Draw(i => hot with { Seed = i });
        Assert.That(bySeed.Distinct().Count(), Is.GreaterThan(1));
        Assert.That(bySeed, Is.All.InRange(0, Vocabulary - 1));
        Assert.That(Draw(i => hot with { Seed = i }), Is.EqualTo(bySeed));
        Assert.That(Draw(i => hot with { SampleIndex = i }).Distinct().Count(), Is.GreaterThan(1));
        Assert.That(Draw(i => hot with { Position = i }).Distinct().Count(), Is.GreaterThan(1));
    }

    [Test]
    public void Row_without_a_token_to_draw_fails_alone_with_its_number()
    {
        PinnedArray<uint> nothing = new(1);
        NativeException? error = Assert.Throws<NativeException>(() => Sample(new SamplingRow { Mask = nothing.Slice(0, 1) }));
        Assert.That(error!.ErrorClass, Is.EqualTo(NativeErrorClass.RequestFailed));
        Assert.That(error.Message, Does.Contain("row 0"));
    }

    [Test]
    public void Missing_rows_and_short_masks_are_refused_before_the_native_call()
    {
        Tensor logits = _device.Empty(2, 40);
        SamplingRows one = new(1);
        Assert.Throws<ArgumentException>(() => _device.Stream.Sample(Params(logits, one, 40)));

        SamplingRows two = new(2);
        PinnedArray<uint> mask = new(1);
        two.Set(0, new SamplingRow());
        two.Set(1, new SamplingRow { Mask = mask.Slice(0, 1) });
        ArgumentException? error = Assert.Throws<ArgumentException>(() => _device.Stream.Sample(Params(logits, two, 40)));
        Assert.That(error!.Message, Does.Contain("row 1").And.Contain("2 words"));
    }

    [Test]
    public void Settings_are_taken_from_the_first_row_asked_for()
    {
        PinnedArray<TokenBias> biases = new(1);
        biases[0] = new TokenBias(4, 10);
        SamplingRows rows = new(3);
        rows.Set(0, new SamplingRow());
        rows.Set(1, new SamplingRow { Biases = biases.Slice(0, 1) });
        rows.Set(2, new SamplingRow());
        Tensor logits = _device.Tensor<float>(2, Padded, [.. Logits, .. Logits]);
        SampleParams Params(Tensor ids, int first) => new()
        {
            Logits = logits,
            VocabularySize = Vocabulary,
            Rows = rows,
            FirstRow = first,
            Ids = ids,
            Logprobs = _device.Empty(2, 1),
        };
        Tensor ids = _device.Empty(2, 1, TensorFormat.I32);
        _device.Stream.Sample(Params(ids, 1));
        Assert.That(_device.Read<int>(ids), Is.EqualTo(new[] { 4, 1 }));
        Assert.Throws<ArgumentException>(() => _device.Stream.Sample(Params(ids, 2)));
        Assert.Throws<ArgumentException>(() => _device.Stream.Sample(Params(ids, -1)));
    }

    [Test]
    public void Token_logprobs_are_those_of_the_targets()
    {
        double[] p = Reference.Softmax([.. Logits.Take(Vocabulary).Select(v => (double)v)]);
        Tensor logprobs = _device.Empty(1, 1);
        _device.Stream.TokenLogprobs(_device.Tensor<float>(1, Padded, Logits), Vocabulary, _device.Tensor<int>(1, 1, 2), logprobs);
        Assert.That(_device.Read<float>(logprobs)[0], Is.EqualTo(Math.Log(p[2])).Within(Reference.Tolerance));
    }

    [Test]
    public unsafe void Rows_share_the_layout_of_the_native_side()
    {
        Assert.That(sizeof(TokenCount), Is.EqualTo(sizeof(MscTokenCount)));
        Assert.That(sizeof(TokenBias), Is.EqualTo(sizeof(MscTokenBias)));
    }

    private SampleParams Params(Tensor logits, SamplingRows rows, long vocabulary) => new()
    {
        Logits = logits,
        VocabularySize = vocabulary,
        Rows = rows,
        Ids = _device.Empty(logits.Rows, 1, TensorFormat.I32),
        Logprobs = _device.Empty(logits.Rows, 1),
    };

    private (int[] Ids, float[] Logprobs, int[] TopIds, float[] TopLogprobs) Sample(SamplingRow row)
    {
        SamplingRows rows = new(1);
        rows.Set(0, row);
        Tensor ids = _device.Empty(1, 1, TensorFormat.I32);
        Tensor logprobs = _device.Empty(1, 1);
        Tensor topIds = _device.Empty(1, 2, TensorFormat.I32);
        Tensor topLogprobs = _device.Empty(1, 2);
        _device.Stream.Sample(new SampleParams
        {
            Logits = _device.Tensor<float>(1, Padded, Logits),
            VocabularySize = Vocabulary,
            Rows = rows,
            Ids = ids,
            Logprobs = logprobs,
            NumTopLogprobs = 2,
            TopIds = topIds,
            TopLogprobs = topLogprobs,
        });
        return (_device.Read<int>(ids), _device.Read<float>(logprobs), _device.Read<int>(topIds), _device.Read<float>(topLogprobs));
    }
}
