using System.Runtime.CompilerServices;
using Moesaic.Bindings;

namespace Moesaic.Interop;

public sealed unsafe partial class ComputeStream
{
    /// <summary>Draws a token per row: see <see cref="SampleParams"/>.</summary>
    /// <exception cref="ArgumentException">There are fewer settings than rows, or a mask is too short.</exception>
    /// <exception cref="NativeException">A row's settings are out of range, or (<see cref="NativeErrorClass.RequestFailed"/>)
    /// its mask or biases leave no token to draw; the text names the row.</exception>
    public void Sample(in SampleParams parameters)
    {
        int firstRow = parameters.FirstRow;
        if (firstRow < 0 || parameters.Logits.Rows > parameters.Rows.Capacity - firstRow)
        {
            ThrowNumRows(parameters.Logits.Rows, parameters.Rows.Capacity, firstRow);
        }

        int shortMask = parameters.Rows.FindShortMask(firstRow, (int)parameters.Logits.Rows, WordsOf(parameters.VocabularySize));
        if (shortMask >= 0)
        {
            ThrowShortMask(shortMask, parameters.VocabularySize);
        }

        MscSampleParams native = MscSampleParams.Create();
        native.NumTopLogprobs = (uint)parameters.NumTopLogprobs;
        native.Logits = parameters.Logits.ToNative();
        native.VocabSize = parameters.VocabularySize;
        native.HostRows = parameters.Rows.Pointer(firstRow);
        native.Ids = parameters.Ids.ToNative();
        native.Logprobs = parameters.Logprobs.ToNative();
        native.TopIds = parameters.TopIds.ToNative();
        native.TopLogprobs = parameters.TopLogprobs.ToNative();
        NativeMethods.MscOpSample(Native, &native).ThrowOnError();

        // The rows are host memory of the managed heap, which the native call reads.
        GC.KeepAlive(parameters.Rows);
    }

    /// <summary>logprobs[r] = log_softmax(logits[r])[targets[r]] over the first <paramref name="vocabularySize"/> columns.</summary>
    /// <param name="logits">[R, padded vocabulary]</param>
    /// <param name="vocabularySize">Columns that are tokens.</param>
    /// <param name="targets">[R, 1] int32</param>
    /// <param name="logprobs">[R, 1]</param>
    public void TokenLogprobs(in Tensor logits, long vocabularySize, in Tensor targets, in Tensor logprobs)
    {
        MscTokenLogprobsParams native = MscTokenLogprobsParams.Create();
        native.VocabSize = vocabularySize;
        native.Logits = logits.ToNative();
        native.Targets = targets.ToNative();
        native.Logprobs = logprobs.ToNative();
        NativeMethods.MscOpTokenLogprobs(Native, &native).ThrowOnError();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowNumRows(long numRows, int capacity, int firstRow) => throw new ArgumentException(
        $"There are {numRows} rows of logits, but sampling settings for only {capacity}, of which the first taken is {firstRow}.");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowShortMask(int row, long vocabularySize) => throw new ArgumentException(
        $"The mask of row {row} has fewer than the {WordsOf(vocabularySize)} words that {vocabularySize} tokens need.");

    private static long WordsOf(long vocabularySize) => (vocabularySize + 31) / 32;
}
