using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Quantised;

/// <summary>Blocks of 128 x 128 in matrices that they do not divide, one tensor an expert.</summary>
public sealed class Float8BlockTests
{
    [Test]
    public void Values_are_those_of_the_reference() => QuantisedCheckpointTests.CheckValues(TestPaths.Shared("fixtures_quantised", "fp8_block"));
}
