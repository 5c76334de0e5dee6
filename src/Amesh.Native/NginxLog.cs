using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace Amesh.Native;

/// <summary>Writes to nginx's error log, with nginx's levels.</summary>
internal sealed partial class NginxLog(LogLevel least) : ILogger
{
    // ngx_log.h
    private const int Error = 4;
    private const int Warn = 5;
    private const int Notice = 6;
    private const int Info = 7;
    private const int Debug = 8;

    /// <summary>The level of a name of nginx's; null where there is none such.</summary>
    public static LogLevel? LevelOf(string name) => name switch
    {
        "debug" => LogLevel.Debug,
        "info" or "notice" => LogLevel.Information,
        "warn" => LogLevel.Warning,
        "error" => LogLevel.Error,
        _ => null,
    };

    public bool IsEnabled(LogLevel logLevel) => logLevel >= least;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
        {
            return;
        }

        // One line each: a log that is searched by line must not be cut by a message of somebody else's.
        string line = $"amesh: {formatter(state, exception)}".ReplaceLineEndings(" ");
        Write(logLevel switch
        {
            LogLevel.Critical or LogLevel.Error => Error,
            LogLevel.Warning => Warn,
            // What starts and stops is worth nginx's default level; there is no such level in .NET.
            LogLevel.Information => Notice,
            LogLevel.Debug => Info,
            _ => Debug,
        }, line);
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    [LibraryImport("amesh_shim", EntryPoint = "amesh_nginx_log", StringMarshalling = StringMarshalling.Utf8)]
    private static partial void Write(int level, string line);
}
