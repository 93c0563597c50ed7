namespace Moesaic.Server.Catalog;

/// <summary>Whether requests are taken, and why not.</summary>
internal enum ReadinessState
{
    Loading,
    Ready,
    Draining,
}
