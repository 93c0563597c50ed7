using System.Collections.Immutable;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Families;

/// <summary>
/// A model family: the names that it answers to, and how its configurations become a description. Adding a family takes one
/// class of this kind and its entry in <see cref="ModelFamilies"/>.
/// </summary>
internal interface IModelFamily
{
    /// <summary>Name for people.</summary>
    string Name { get; }

    /// <summary>Entries of <c>architectures</c> that it answers to.</summary>
    ImmutableArray<string> Architectures { get; }

    /// <summary>Values of <c>model_type</c> that it answers to where <c>architectures</c> is absent; empty where the type is ambiguous.</summary>
    ImmutableArray<string> ModelTypes { get; }

    /// <summary>Whether its configurations say <c>is_encoder_decoder</c>.</summary>
    bool IsEncoderDecoder => false;

    /// <summary>Whether it answers to a GGUF file.</summary>
    bool Answers(GgufInput input);

    /// <summary>Values of <c>general.architecture</c> that <see cref="Answers"/> may accept, for messages.</summary>
    ImmutableArray<string> GgufArchitectures { get; }

    /// <summary>How its models are written as GGUF; null where they are not.</summary>
    GgufScheme? GgufScheme => null;

    /// <exception cref="ModelFormatException">A setting is missing, out of range, or not supported.</exception>
    DecoderDescription Describe(HuggingFaceInput input);

    /// <exception cref="ModelFormatException">A setting is missing, out of range, or not supported.</exception>
    DecoderDescription Describe(GgufInput input);
}
