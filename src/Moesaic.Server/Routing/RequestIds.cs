using System.Security.Cryptography;

namespace Moesaic.Server.Routing;

/// <summary>Ids by which a request is found in logs.</summary>
internal static class RequestIds
{
    private const int MaxLength = 128;

    public static string New() => "req_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));

    /// <summary>The client's id if it can stand in a header and a log line as it is, else a new one.</summary>
    public static string Of(string given) => given.Length is > 0 and <= MaxLength && given.All(static c => c is > ' ' and < '\x7f') ? given : New();
}
