using System.Security.Cryptography;

namespace Moesaic.Engine;

/// <summary>How a family writes the ids of calls.</summary>
internal enum ToolIdForm
{
    /// <summary><c>call_</c> and 24 letters and digits, as OpenAI's API.</summary>
    Prefixed,

    /// <summary>Nine letters and digits; Mistral's templates refuse any other.</summary>
    NineCharacters,
}

/// <summary>Gives each call of a reply an id of its own.</summary>
internal sealed class ToolIds(ToolIdForm form, int? seed)
{
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    private const int MaxLength = 64;

    private readonly Random? _random = seed is { } value ? new Random(value) : null;
    private readonly HashSet<string> _taken = [];

    /// <summary>The id that the model wrote if it can be one, else a new one.</summary>
    public string Take(string? written)
    {
        if (written is not null && Fits(written) && _taken.Add(written))
        {
            return written;
        }

        while (true)
        {
            string id = form == ToolIdForm.NineCharacters ? Letters(9) : "call_" + Letters(24);
            if (_taken.Add(id))
            {
                return id;
            }
        }
    }

    private bool Fits(string id) => id.Length is > 0 and <= MaxLength
        && (form == ToolIdForm.NineCharacters
            ? id.Length == 9 && id.All(char.IsAsciiLetterOrDigit)
            : id.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-'));

    private string Letters(int count) => _random is null ? RandomNumberGenerator.GetString(Alphabet, count) : new string(_random.GetItems<char>(Alphabet, count));
}
