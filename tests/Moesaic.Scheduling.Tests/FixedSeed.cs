using FsCheck;
using Microsoft.FSharp.Core;

namespace Moesaic.Scheduling.Tests;

/// <summary>FsCheck without luck: the same cases in every run.</summary>
internal static class FixedSeed
{
    public static Config Config(ulong seed, int count)
    {
        Replay replay = new(new Rnd(seed, 0x9E3779B97F4A7C15), FSharpOption<int>.None);
        return FsCheck.Config.QuickThrowOnFailure.WithMaxTest(count).WithReplay(FSharpOption<Replay>.Some(replay));
    }
}
