using System.Text.Json;
using Moesaic.Server.Errors;

namespace Moesaic.Server.Json;

/// <summary>The fields of one object of a request. A field that is null counts as absent. What nobody asks for is unknown.</summary>
internal sealed class JsonFields
{
    private readonly JsonRequest _request;
    private readonly Dictionary<string, JsonElement> _fields = new(StringComparer.Ordinal);
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private readonly List<JsonFields> _children = [];

    internal JsonFields(JsonElement json, string path, JsonRequest request)
    {
        _request = request;
        Path = path;
        int max = request.Limits.MaxFields;
        foreach (JsonProperty property in json.EnumerateObject())
        {
            if (_fields.Count == max)
            {
                throw ApiException.Invalid(path.Length == 0 ? "body" : path, $"it has more than {max} fields");
            }

            _fields.Add(property.Name, property.Value);
        }
    }

    /// <summary>Where the object stands, such as <c>messages[2]</c>; empty for the body itself.</summary>
    public string Path { get; }

    /// <summary>Whether the field is there and not null. Does not make it known.</summary>
    public bool Has(string name) => _fields.TryGetValue(name, out JsonElement json) && json.ValueKind != JsonValueKind.Null;

    /// <summary>The field, or null where it is absent or null.</summary>
    public JsonField? Find(string name)
    {
        _known.Add(name);
        return Has(name) ? new JsonField(_fields[name], PathOf(name), _request, this) : null;
    }

    /// <summary>The field.</summary>
    /// <exception cref="ApiException">It is absent or null.</exception>
    public JsonField Require(string name) => Find(name) ?? throw JsonErrors.Missing(PathOf(name));

    /// <summary>The first of several names for the same thing; two of them together are refused.</summary>
    public JsonField? FindEither(string name, string otherName)
    {
        JsonField? one = Find(name);
        JsonField? other = Find(otherName);
        return one is { } && other is { } twice
            ? throw ApiException.Invalid(twice.Path, $"it means the same as {PathOf(name)}; give only one of them")
            : one ?? other;
    }

    /// <summary>Declares fields that are accepted and change nothing here.</summary>
    public void Ignore(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            _known.Add(name);
        }
    }

    /// <summary>Declares fields that are accepted and change nothing here, but have to be texts.</summary>
    /// <exception cref="ApiException">400: one is something else.</exception>
    public void IgnoreTexts(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            Find(name)?.Text();
        }
    }

    /// <summary>A field that is a map without a meaning here, as it came; null where it is absent.</summary>
    /// <exception cref="ApiException">400: it is something else.</exception>
    public JsonElement? FindMap(string name) => Find(name) is not { } map ? null : map.IsObject ? map.Json : throw map.WrongType("an object");

    /// <summary>Refuses a field that the protocol knows and this server does not do; null and false ask for nothing and pass.</summary>
    /// <param name="name">The field.</param>
    /// <param name="problem">What to do instead.</param>
    public void Refuse(string name, string problem)
    {
        if (Find(name) is { Kind: not JsonValueKind.False } field)
        {
            throw field.NotSupported(problem);
        }
    }

    /// <summary>The full path of a field of this object.</summary>
    public string PathOf(string name) => Join(Path, name);

    internal static string Join(string path, string name) => path.Length == 0 ? JsonErrors.Name(name) : $"{path}.{JsonErrors.Name(name)}";

    internal void Adopt(JsonFields child) => _children.Add(child);

    internal void CollectUnknown(List<string> unknown, int most)
    {
        foreach (string name in _fields.Keys)
        {
            if (unknown.Count == most)
            {
                return;
            }

            if (!_known.Contains(name))
            {
                unknown.Add(PathOf(name));
            }
        }

        foreach (JsonFields child in _children)
        {
            child.CollectUnknown(unknown, most);
        }
    }
}
