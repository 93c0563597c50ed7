using Moesaic.Bindings;

namespace Moesaic.Interop.Tests;

/// <summary>Public enumerations have exactly the values of the C headers.</summary>
internal sealed class EnumTests
{
    private static IEnumerable<TestCaseData> Pairs() =>
    [
        new(typeof(Backend), typeof(MscBackend)),
        new(typeof(InstructionSet), typeof(MscIsa)),
        new(typeof(TensorFormat), typeof(MscFormat)),
        new(typeof(Precision), typeof(MscPrecision)),
        new(typeof(FileAdvice), typeof(MscFileAdvice)),
        new(typeof(Epilogue), typeof(MscEpilogue)),
        new(typeof(EmbeddingIndex), typeof(MscEmbeddingIndex)),
        new(typeof(RopePairing), typeof(MscRopePairing)),
        new(typeof(RouterScore), typeof(MscRouterScore)),
        new(typeof(RouterGroupRule), typeof(MscRouterGroupRule)),
        new(typeof(ArithmeticPeak), typeof(MscPeak)),
    ];

    [TestCaseSource(nameof(Pairs))]
    public void Values_are_those_of_the_header(Type managed, Type native) =>
        Assert.That(Values(managed), Is.EqualTo(Values(native)));

    [Test]
    public void Flags_and_errors_add_or_drop_zero_only()
    {
        Assert.That(Values(typeof(CpuFeatures)).Where(v => v != 0), Is.EqualTo(Values(typeof(MscCpuFeature))));
        Assert.That(Values(typeof(NativeErrorClass)), Is.EqualTo(Values(typeof(MscStatus)).Where(v => v != 0)));
    }

    private static int[] Values(Type type) => [.. Enum.GetValuesAsUnderlyingType(type).Cast<int>().Order()];
}
