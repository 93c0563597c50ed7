using Moesaic.Engine;
using Moesaic.Models;
using Moesaic.Models.ChatTemplates;

namespace Moesaic.Cli.Hosting;

/// <summary>Exceptions to exit codes and to one clear line on standard error.</summary>
internal static class Failures
{
    public static int Report(Exception exception, Terminal terminal)
    {
        int code = CodeOf(exception);
        terminal.Flush();
        if (code is not (ExitCodes.Interrupted or ExitCodes.OutputClosed))
        {
            terminal.Fail(exception.Message);
        }

        return code;
    }

    public static int CodeOf(Exception exception) => exception switch
    {
        OperationCanceledException => ExitCodes.Interrupted,
        OutputClosedException => ExitCodes.OutputClosed,
        UsageException or ContextExceededException => ExitCodes.BadUsage,
        ModelFormatException or ChatTemplateException { Kind: ChatTemplateErrorKind.Syntax or ChatTemplateErrorKind.Limit } => ExitCodes.BadModel,
        _ => ExitCodes.RunFailure,
    };
}
