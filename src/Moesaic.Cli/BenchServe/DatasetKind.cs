namespace Moesaic.Cli.BenchServe;

/// <summary>Where requests come from.</summary>
internal enum DatasetKind
{
    Random,
    Recorded,
    ShareGpt,
}
