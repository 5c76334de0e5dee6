using Microsoft.Extensions.Logging;

namespace Amesh.Cli.Record;

/// <summary>Log lines on a text writer, warnings and errors only.</summary>
internal sealed class ConsoleLog(TextWriter output) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            output.WriteLine($"{logLevel}: {formatter(state, exception)}{(exception is null ? "" : $": {exception.Message}")}");
        }
    }
}
