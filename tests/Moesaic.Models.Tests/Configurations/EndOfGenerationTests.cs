using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Configurations;
using Moesaic.Models.Tests.Checkpoints.Gguf;

namespace Moesaic.Models.Tests.Configurations;

/// <summary>Generation ends at the union of what all files say and of the end-of-turn tokens that the vocabulary holds.</summary>
public sealed class EndOfGenerationTests
{
    [Test]
    public void Union_of_all_files_of_a_folder()
    {
        JsonConfig config = JsonConfigTests.Parse("""{"eos_token_id":2}""");
        JsonConfig generation = JsonConfigTests.Parse("""{"eos_token_id":[5,2,3]}""");

        Assert.That(EndOfGeneration.FromHuggingFace(config, generation, "</s>", Find), Is.EqualTo(new[] { 2, 3, 5, 7, 9 }));
        Assert.That(EndOfGeneration.FromHuggingFace(config, null, null, null), Is.EqualTo(new[] { 2 }));

        static int? Find(string text) => text switch
        {
            "</s>" => 7,
            "<|im_end|>" => 9,
            _ => null,
        };
    }

    [Test]
    public void Wrong_ids_are_refused()
    {
        Assert.That(() => EndOfGeneration.FromHuggingFace(JsonConfigTests.Parse("""{"eos_token_id":-2}"""), null, null, null), Throws.TypeOf<ModelFormatException>());
        Assert.That(() => EndOfGeneration.FromHuggingFace(JsonConfigTests.Parse("""{"eos_token_id":"</s>"}"""), null, null, null), Throws.TypeOf<ModelFormatException>());
        Assert.That(() => EndOfGeneration.FromGguf(Vocabulary(3, ["a", "b", "c"], [1, 1, 1])), Throws.TypeOf<ModelFormatException>().With.Message.Contains("the id 3 lies outside the vocabulary"));
    }

    [Test]
    public void Chat_end_token_that_the_file_does_not_name_is_found()
    {
        Assert.That(EndOfGeneration.FromGguf(Vocabulary(0, ["<|endoftext|>", "a", "<|role_end|>"], [3, 1, 3])), Is.EqualTo(new[] { 0, 2 }));
    }

    [Test]
    public void Ordinary_text_that_looks_like_an_end_token_is_not_one()
    {
        Assert.That(EndOfGeneration.FromGguf(Vocabulary(0, ["</s>", "<|im_end|>"], [3, 1])), Is.EqualTo(new[] { 0 }));
    }

    [Test]
    public void Harmony_messages_do_not_end_the_answer()
    {
        Assert.That(EndOfGeneration.FromGguf(Vocabulary(0, ["<|return|>", "<|call|>", "<|end|>"], [3, 3, 3])), Is.EqualTo(new[] { 0, 1 }));
        Assert.That(EndOfGeneration.FromGguf(Vocabulary(0, ["<|endoftext|>", "a", "<|end|>"], [3, 1, 3])), Is.EqualTo(new[] { 0, 2 }));
    }

    [Test]
    public void None_is_accepted()
    {
        Assert.That(EndOfGeneration.FromGguf(Vocabulary(uint.MaxValue, ["a"], [1])), Is.Empty);
    }

    private static GgufMetadata Vocabulary(uint eos, string[] tokens, int[] types) => new GgufBuilder()
        .Pair("tokenizer.ggml.eos_token_id", eos)
        .Pair("tokenizer.ggml.tokens", tokens)
        .Pair("tokenizer.ggml.token_type", GgufValueType.Array, w =>
        {
            w.Write((uint)GgufValueType.Int32);
            w.Write((ulong)types.Length);
            Array.ForEach(types, w.Write);
        })
        .Parse().Metadata;
}
