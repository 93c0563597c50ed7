namespace Moesaic.Cli.Pull;

/// <summary>A transfer that may work when it is tried again.</summary>
/// <param name="message">What happened.</param>
/// <param name="retryAfter">When the host wants to be asked again.</param>
/// <param name="cause">What was thrown.</param>
internal sealed class TransferException(string message, TimeSpan? retryAfter = null, Exception? cause = null) : Exception(message, cause)
{
    public TimeSpan? RetryAfter { get; } = retryAfter;
}
