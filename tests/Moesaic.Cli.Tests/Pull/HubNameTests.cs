using Moesaic.Cli.Pull;
using Moesaic.Models;
using Moesaic.TestSupport;

namespace Moesaic.Cli.Tests.Pull;

/// <summary>Names of models, which files they mean, and where pulled ones are found.</summary>
internal sealed class HubNameTests
{
    private static readonly string[] s_ggufs =
    [
        "tiny-Q4_K_M.gguf", "tiny-Q4_K_S.gguf", "tiny-Q8_0-00001-of-00002.gguf", "tiny-Q8_0-00002-of-00002.gguf", "BF16/tiny-BF16.gguf", "mmproj-Q8_0.gguf", "README.md",
    ];

    [TestCase("a/b", "a/b", null, null, null)]
    [TestCase("a/b@v1.0", "a/b", "v1.0", null, null)]
    [TestCase("a/b@refs/pr/1:Q4_0", "a/b", "refs/pr/1", "Q4_0", null)]
    [TestCase("Org-1/Model.2_x:q4_k_m", "Org-1/Model.2_x", null, "q4_k_m", null)]
    [TestCase("a/b/sub/c.gguf", "a/b", null, null, "sub/c.gguf")]
    public void Names_are_read(string text, string id, string? revision, string? quantisation, string? file)
    {
        Assert.That(HubName.TryParse(text, out HubName name));
        Assert.That((name.Id, name.Revision, name.Quantisation, name.File), Is.EqualTo((id, revision, quantisation, file)));
    }

    [TestCase("")]
    [TestCase("a")]
    [TestCase("/a/b")]
    [TestCase("../b")]
    [TestCase("./b")]
    [TestCase("a/..")]
    [TestCase("a/b:")]
    [TestCase("a/b@")]
    [TestCase("a/b@../x")]
    [TestCase("a/b/../../c.gguf")]
    [TestCase("a/b/c.txt")]
    [TestCase("a b/c")]
    [TestCase("a/b:Q4/x")]
    public void What_is_no_name_is_none(string text) => Assert.That(HubName.TryParse(text, out _), Is.False);

    [TestCase("a/b:Q4_K_M", "tiny-Q4_K_M.gguf")]
    [TestCase("a/b:q8_0", "tiny-Q8_0-00001-of-00002.gguf,tiny-Q8_0-00002-of-00002.gguf")]
    [TestCase("a/b:BF16", "BF16/tiny-BF16.gguf")]
    [TestCase("a/b/tiny-Q8_0-00002-of-00002.gguf", "tiny-Q8_0-00001-of-00002.gguf,tiny-Q8_0-00002-of-00002.gguf")]
    [TestCase("a/b/tiny-Q4_K_S.gguf", "tiny-Q4_K_S.gguf")]
    public void One_of_several_models_is_chosen_with_all_its_parts(string text, string files)
    {
        HubName name = Parse(text);
        Assert.That(string.Join(',', FileSelection.Choose(name, s_ggufs, [])), Is.EqualTo(files));
    }

    [TestCase("a/b", "choose one")]
    [TestCase("a/b:Q4_K", "no GGUF model 'Q4_K'")]
    [TestCase("a/b/other.gguf", "no file other.gguf")]
    public void What_is_not_one_model_is_told_with_what_there_is(string text, string problem)
    {
        HubName name = Parse(text);
        Assert.That(() => FileSelection.Choose(name, s_ggufs, []), Throws.TypeOf<HubException>().With.Message.Contains(problem).And.Message.Contains("tiny-Q4_K_S"));
    }

    [Test]
    public void Patterns_replace_the_choice()
    {
        HubName name = Parse("a/b");
        Assert.That(FileSelection.Choose(name, s_ggufs, ["*.md", "BF16/*"]), Is.EquivalentTo(new[] { "BF16/tiny-BF16.gguf", "README.md" }));
        Assert.That(() => FileSelection.Choose(name, s_ggufs, ["*.bin"]), Throws.TypeOf<HubException>());
    }

    [Test]
    public void Pulled_models_are_found_by_name()
    {
        using TemporaryFolder root = new();
        string? Environment(string variable) => variable == ModelCache.Variable ? root.Path : null;
        string folder = root.Combine(Path.Combine("a", "b"));
        Assert.That(() => ModelCache.Resolve("a/b", Environment), Throws.TypeOf<ModelFormatException>().With.Message.Contains("moesaic pull a/b"));
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "x-Q4_0.gguf"), "");
        Assert.That(ModelCache.Resolve("a/b", Environment), Is.EqualTo(folder));
        Assert.That(ModelCache.Resolve("a/b:q4_0", Environment), Is.EqualTo(Path.Combine(folder, "x-Q4_0.gguf")));
        Assert.That(() => ModelCache.Resolve("a/b:Q8_0", Environment), Throws.TypeOf<ModelFormatException>().With.Message.Contains("x-Q4_0"));
        File.WriteAllText(Path.Combine(folder, ModelCache.Marker), "");
        Assert.That(() => ModelCache.Resolve("a/b", Environment), Throws.TypeOf<ModelFormatException>().With.Message.Contains("not come to its end"));
        Assert.That(ModelCache.Resolve(folder, Environment), Is.EqualTo(folder), "a path is a path");
        Assert.That(ModelCache.Resolve("no-name", Environment), Is.EqualTo("no-name"));
        Assert.That(ModelCache.Resolve(null, Environment), Is.Null);
    }

    [Test]
    public void The_cache_lies_where_the_system_keeps_caches()
    {
        string root = Path.DirectorySeparatorChar + "somewhere";
        Assert.That(ModelCache.Root(v => v == "XDG_CACHE_HOME" ? root : null), Is.EqualTo(Path.Combine(root, "moesaic", "models")));
        Assert.That(ModelCache.Root(v => v == ModelCache.Variable ? root : "x"), Is.EqualTo(root));
        Assert.That(ModelCache.Root(static _ => null), Does.EndWith(Path.Combine("moesaic", "models")));
    }

    private static HubName Parse(string text)
    {
        Assert.That(HubName.TryParse(text, out HubName name));
        return name;
    }

    [TestCase(0, 100, 0, "[........................]   0%  0 B of 100 B")]
    [TestCase(3 << 20, 4 << 20, 1 << 20, "[##################......]  75%  3.0 MiB of 4.0 MiB, 1.0 MiB/s, 1 s left")]
    [TestCase(0, 0, 0, "[########################] 100%  0 B of 0 B")]
    public void Progress_is_told_in_one_line(long done, long total, double rate, string line) => Assert.That(PullProgress.Line(done, total, rate), Is.EqualTo(line));
}
