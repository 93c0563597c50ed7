namespace Moesaic.Models.Decoder;

/// <summary>How far a load is, in bytes of the checkpoint.</summary>
public readonly record struct LoadProgress(long BytesDone, long BytesTotal);
