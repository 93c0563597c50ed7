using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Moesaic.TestSupport.Fuzz;

namespace Moesaic.Fuzz;

/// <summary>
/// Mutates inputs and keeps those that take new branches. A finding is an exception that is no documented refusal, an
/// input that takes too long, or one that makes the reader allocate out of proportion; its bytes go to a file.
/// </summary>
internal sealed class FuzzRunner(FuzzTarget target, CoverageMap coverage, string corpusFolder, string findingsFolder, ulong seed)
{
    private const int MaxBytes = 64 << 10;
    private const long AllowedBytes = 64 << 20;
    private const int MaxFindings = 20;
    private static readonly TimeSpan AllowedTime = TimeSpan.FromSeconds(20);

    private readonly Mutator _mutator = new(seed, target.Words);
    private readonly List<byte[]> _corpus = [];
    private readonly HashSet<string> _findings = [];
    private long _startedAt = long.MaxValue;
    private byte[] _current = [];

    public int Findings => _findings.Count;

    public void Run(TimeSpan duration)
    {
        Directory.CreateDirectory(corpusFolder);
        Directory.CreateDirectory(findingsFolder);
        // A stack overflow ends the process at once, so the input in work lies in a file at all times.
        string inWork = Path.Combine(findingsFolder, $"{target.Name}-in-work");
        using (FileStream file = new(inWork, FileMode.Create, FileAccess.Write, FileShare.Read, 0))
        using (new Timer(_ => EndWhenStuck(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)))
        {
            byte[][] seeds = [.. target.Seeds().Concat(Directory.EnumerateFiles(corpusFolder).Order(StringComparer.Ordinal).Select(File.ReadAllBytes))];
            foreach (byte[] bytes in seeds)
            {
                Try(bytes, file);
                _corpus.Add(bytes);
            }

            Console.WriteLine($"{target.Name}: {seeds.Length} seeds, {coverage.Branches} branches{(coverage.Branches == 0 ? " (not instrumented: mutations are not guided)" : "")}");
            long count = 0;
            Stopwatch watch = Stopwatch.StartNew();
            while (watch.Elapsed < duration && Findings < MaxFindings)
            {
                byte[] bytes = _mutator.Next(2) == 0 ? ChangeByte(PickShort()) : _mutator.Mutate(PickShort(), Pick(), MaxBytes);
                count++;
                if (Try(bytes, file))
                {
                    _corpus.Add(bytes);
                    File.WriteAllBytes(Path.Combine(corpusFolder, NameOf(bytes)), bytes);
                }
            }

            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{target.Name}: {count} inputs in {watch.Elapsed.TotalSeconds:f0} s, {coverage.Branches} branches, corpus of {_corpus.Count}, {Findings} findings"));
        }

        File.Delete(inWork);
    }

    /// <summary>Runs one input; for reproducing.</summary>
    public void RunOnce(byte[] bytes)
    {
        Directory.CreateDirectory(findingsFolder);
        Try(bytes, null);
    }

    /// <summary>Half of the time among the latest, which lead to new places more often.</summary>
    private byte[] Pick()
    {
        int latest = Math.Min(_corpus.Count, 32);
        return _mutator.Next(2) == 0 ? _corpus[_mutator.Next(_corpus.Count)] : _corpus[_corpus.Count - 1 - _mutator.Next(latest)];
    }

    /// <summary>The shorter of two most of the time: it runs faster, and each of its bytes is changed more often.</summary>
    private byte[] PickShort()
    {
        byte[] one = Pick(), other = Pick();
        return other.Length < one.Length && _mutator.Next(4) > 0 ? other : one;
    }

    /// <summary>One byte may become any: several mutations at once seldom leave the rest readable.</summary>
    private byte[] ChangeByte(byte[] input)
    {
        byte[] bytes = [.. input];
        if (bytes.Length > 0)
        {
            bytes[_mutator.Next(bytes.Length)] = (byte)_mutator.Next(256);
        }

        return bytes;
    }

    /// <summary>True when the input took new branches.</summary>
    private bool Try(byte[] bytes, FileStream? inWork)
    {
        if (inWork is not null)
        {
            RandomAccess.Write(inWork.SafeFileHandle, bytes, 0);
            RandomAccess.SetLength(inWork.SafeFileHandle, bytes.Length);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        coverage.Start();
        _current = bytes;
        Volatile.Write(ref _startedAt, Stopwatch.GetTimestamp());
        try
        {
            target.Run(bytes);
        }
        catch (Exception exception) when (target.IsRefusal(exception) && !string.IsNullOrEmpty(exception.Message))
        {
        }
#pragma warning disable CA1031 // Any other exception is what is looked for.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Save(bytes, Signature(exception), exception.ToString());
        }

        Volatile.Write(ref _startedAt, long.MaxValue);
        bool isNew = coverage.Finish();
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (allocated > AllowedBytes)
        {
            Save(bytes, "allocation", $"{allocated} bytes were allocated for an input of {bytes.Length}");
        }

        return isNew;
    }

    /// <summary>One finding a kind of exception and place.</summary>
    private static string Signature(Exception exception)
    {
        StackFrame? frame = new StackTrace(exception, false).GetFrames().FirstOrDefault(f => f.GetMethod()?.DeclaringType?.Assembly == typeof(Models.ModelFormatException).Assembly);
        return $"{exception.GetType().Name} in {frame?.GetMethod()?.DeclaringType?.Name}.{frame?.GetMethod()?.Name}";
    }

    private void Save(byte[] bytes, string signature, string text)
    {
        if (_findings.Add(signature))
        {
            string path = Path.Combine(findingsFolder, $"{target.Name}-{NameOf(bytes)}");
            File.WriteAllBytes(path, bytes);
            File.WriteAllText(path + ".txt", text);
            Console.Error.WriteLine($"FINDING ({signature}), input saved as {path}\n{text}");
        }
    }

    private void EndWhenStuck()
    {
        long startedAt = Volatile.Read(ref _startedAt);
        if (startedAt != long.MaxValue && Stopwatch.GetElapsedTime(startedAt) > AllowedTime)
        {
            Save(_current, "time", $"the input was not read within {AllowedTime.TotalSeconds} s");
            Environment.Exit(1);
        }
    }

    private static string NameOf(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 8));
}
