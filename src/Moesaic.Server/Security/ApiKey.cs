namespace Moesaic.Server;

/// <summary>A key and whose it is.</summary>
/// <param name="Name">The tenant: shows in logs and metrics, gets its share of the engine.</param>
/// <param name="Secret">What callers send.</param>
public sealed record ApiKey(string Name, string Secret)
{
    /// <summary>The name only: a secret never reaches a log by accident.</summary>
    public override string ToString() => Name;
}
