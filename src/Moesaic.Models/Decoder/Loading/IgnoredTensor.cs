using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>A tensor of the checkpoint that is not read.</summary>
public sealed record IgnoredTensor(CheckpointTensor Tensor, string Reason);
