namespace Moesaic.Models.Tests;

public sealed class SmokeTests
{
    [Test]
    public void Repository_root_is_found() => Assert.That(File.Exists(Path.Combine(TestSupport.TestPaths.RepositoryRoot, "global.json")));
}
