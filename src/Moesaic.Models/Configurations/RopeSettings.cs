namespace Moesaic.Models.Configurations;

/// <summary>What a configuration says about rotary position embedding.</summary>
/// <param name="Theta">Base of the frequencies.</param>
/// <param name="Scaling">How they are stretched.</param>
/// <param name="PartialRotaryFactor">Share of the head's channels that rotate, where the file says so inside the rope object; else null.</param>
public sealed record RopeSettings(double Theta, RopeScaling Scaling, double? PartialRotaryFactor = null);
