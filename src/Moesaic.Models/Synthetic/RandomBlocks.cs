using System.Buffers.Binary;
using System.Collections.Immutable;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Synthetic;

/// <summary>Random weights in each stored format: every block is valid, and values have about the spread of a real model's.</summary>
internal static class RandomBlocks
{
    // Close to 1 / sqrt(inputs) of a layer with 2048 inputs, so that activations neither vanish nor overflow.
    private const float Deviation = 0.022f;

    /// <summary>Formats that can be made.</summary>
    public static ImmutableArray<ElementFormat> Formats =>
    [
        ElementFormat.F32, ElementFormat.F16, ElementFormat.BF16, ElementFormat.Q8_0, ElementFormat.Q4_0, ElementFormat.Q4_1,
        ElementFormat.Q4_K, ElementFormat.Q6_K, ElementFormat.Q5_0, ElementFormat.Q5_1, ElementFormat.Q5_K,
        ElementFormat.MXFP4, ElementFormat.NVFP4, ElementFormat.IQ4_NL, ElementFormat.IQ4_XS,
    ];

    /// <summary>Fills whole blocks.</summary>
    public static void Fill(Span<byte> blocks, ElementFormat format, Random random)
    {
        _ = ElementFormats.TryGetBlock(format, out _, out int bytes);
        random.NextBytes(blocks);
        for (int at = 0; at < blocks.Length; at += bytes)
        {
            FillBlock(blocks.Slice(at, bytes), format, random);
        }
    }

    // Quants stay as random bits; the scales before or after them decide the spread. The divisors are the standard deviations of
    // uniform quants: 4.6 for 4 bits, 9.2 for 5 bits, 18.5 for 6 bits, 74 for 8 bits; 6-bit block scales have a mean of 32, signed 8-bit ones a deviation of 74.
    private static void FillBlock(Span<byte> block, ElementFormat format, Random random)
    {
        float vary = 0.75f + (0.5f * random.NextSingle());
        switch (format)
        {
            case ElementFormat.F32:
                BinaryPrimitives.WriteSingleLittleEndian(block, Uniform(random));
                break;
            case ElementFormat.F16:
                Half(block, Uniform(random));
                break;
            case ElementFormat.BF16:
                BinaryPrimitives.WriteUInt16LittleEndian(block, (ushort)(BitConverter.SingleToUInt32Bits(Uniform(random)) >> 16));
                break;
            case ElementFormat.Q8_0:
                Half(block, vary * Deviation / 74);
                break;
            case ElementFormat.I32 or ElementFormat.I8:
                break;
            case ElementFormat.F8_E4M3:
                // All ones is no number.
                block[0] = (block[0] & 0x7F) == 0x7F ? (byte)0 : block[0];
                break;
            case ElementFormat.Q4_0:
                Half(block, vary * Deviation / 4.6f);
                break;
            case ElementFormat.Q4_1:
                Half(block, vary * Deviation / 4.6f);
                Half(block[2..], vary * Deviation / 4.6f * -7.5f);
                break;
            case ElementFormat.Q4_K:
                Half(block, vary * Deviation / (4.6f * 32));
                Half(block[2..], vary * Deviation / (4.6f * 32) * 7.5f);
                break;
            case ElementFormat.Q6_K:
                Half(block[^2..], vary * Deviation / (18.5f * 74));
                break;
            case ElementFormat.Q5_0:
                Half(block, vary * Deviation / 9.2f);
                break;
            case ElementFormat.Q5_1:
                Half(block, vary * Deviation / 9.2f);
                Half(block[2..], vary * Deviation / 9.2f * -15.5f);
                break;
            case ElementFormat.Q5_K:
                Half(block, vary * Deviation / (9.2f * 32));
                Half(block[2..], vary * Deviation / (9.2f * 32) * 15.5f);
                break;
            case ElementFormat.MXFP4:
                // 2^-7, for codes with a deviation of 2.9.
                block[0] = 120;
                break;
            case ElementFormat.NVFP4:
                // From 2^-6 on, the smallest normal numbers: real files keep away from smaller ones by a factor of the whole tensor.
                for (int i = 0; i < 4; i++)
                {
                    block[i] = (byte)random.Next(0x08, 0x0B);
                }

                break;
            case ElementFormat.IQ4_NL:
                Half(block, vary * Deviation / 67);
                break;
            case ElementFormat.IQ4_XS:
                Half(block, vary * Deviation / (67 * 18.5f));
                break;
            default:
                throw new ArgumentException($"Random weights of type {ElementFormats.NameOf(format)} cannot be made.", nameof(format));
        }
    }

    private static float Uniform(Random random) => ((2 * random.NextSingle()) - 1) * Deviation * 1.732f;

    private static void Half(Span<byte> at, float value) => BinaryPrimitives.WriteHalfLittleEndian(at, (Half)value);
}
