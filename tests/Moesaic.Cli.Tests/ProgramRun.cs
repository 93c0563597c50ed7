namespace Moesaic.Cli.Tests;

/// <summary>One run of the built program: what it printed and how it ended.</summary>
internal sealed record ProgramRun(int ExitCode, string Output, string Error)
{
    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public static ProgramRun Of(params string[] arguments) => WithInput("", arguments);

    /// <summary>Runs to the end, in the root folder and with an empty environment but for where the runtime is.</summary>
    public static ProgramRun WithInput(string input, params string[] arguments)
    {
        using RunningProgram program = RunningProgram.Start(arguments);
        program.WriteInput(input);
        return program.End();
    }

    /// <inheritdoc cref="WithInput(string, string[])"/>
    public static ProgramRun WithInput(ReadOnlySpan<byte> input, params string[] arguments)
    {
        using RunningProgram program = RunningProgram.Start(arguments);
        program.WriteInput(input);
        return program.End();
    }
}
