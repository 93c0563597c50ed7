using System.Collections.Immutable;

namespace Moesaic.Models.Configurations;

/// <summary>
/// How the weights of a Hugging Face checkpoint are quantised: rules from module names to schemes, whichever of the formats of
/// the field the configuration is written in. Quantisation of activations and of the KV cache is read and does not count:
/// this program rounds activations by its own rules.
/// </summary>
public sealed class QuantisationConfig
{
    private readonly ImmutableArray<QuantisationRule> _rules;
    private readonly ConfigReader _source;

    internal QuantisationConfig(ConfigReader source, string method, IEnumerable<QuantisationRule> rules)
    {
        _source = source;
        Method = method;
        _rules = [.. rules];
    }

    /// <summary><c>quant_method</c>, such as <c>gptq</c>.</summary>
    public string Method { get; }

    /// <summary>The schemes that occur.</summary>
    public IEnumerable<QuantisationScheme> Schemes => _rules.Select(r => r.Scheme).OfType<QuantisationScheme>().Distinct();

    /// <summary>How a module's weight is quantised.</summary>
    /// <param name="module">Full name without <c>.weight</c>.</param>
    /// <param name="why">Which rule decides, for messages.</param>
    /// <returns>Null when the configuration leaves it as it is.</returns>
    /// <exception cref="ModelFormatException">A pattern takes too long to match.</exception>
    public QuantisationScheme? Find(string module, out string why)
    {
        foreach (QuantisationRule rule in _rules)
        {
            if (rule.Targets.Count == 0)
            {
                why = "every module";
                return rule.Scheme;
            }

            foreach (ModulePattern target in rule.Targets)
            {
                if (target.Matches(module, _source))
                {
                    why = $"'{target.Text}'";
                    return rule.Scheme;
                }
            }
        }

        why = "no target names it";
        return null;
    }
}
