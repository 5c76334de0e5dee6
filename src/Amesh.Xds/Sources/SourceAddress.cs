using System.Globalization;
using Amesh.Xds.Ads;
using Microsoft.Extensions.Logging;

namespace Amesh.Xds.Sources;

/// <summary>The kinds of source.</summary>
public enum SourceKind
{
    /// <summary>A control plane over gRPC.</summary>
    ControlPlane,

    /// <summary>A folder of files.</summary>
    Files,

    /// <summary>A recorded stream.</summary>
    Recording,
}

/// <summary>
/// Where resources come from, as a user writes it: <c>grpc://host:port</c>, <c>grpcs://host:port</c>, <c>unix:/path</c>,
/// <c>file:DIR</c> or <c>recording:DIR[?step=NAME&amp;pause=SECONDS]</c>.
/// </summary>
/// <param name="Kind">What it is.</param>
/// <param name="Uri">A control plane's address as the transport takes it; null for the others.</param>
/// <param name="Path">The folder of files or of a recording; empty for a control plane.</param>
public sealed record SourceAddress(SourceKind Kind, Uri? Uri, string Path)
{
    /// <summary>Recordings: the last step to play; null = all.</summary>
    public string? LastStep { get; init; }

    /// <summary>Recordings: the pause between steps.</summary>
    public TimeSpan Pause { get; init; }

    /// <summary>Reads an address.</summary>
    /// <exception cref="SourceException">It is none; the message says why and what there is.</exception>
    public static SourceAddress Parse(string text)
    {
        int colon = text.IndexOf(':');
        string scheme = colon < 0 ? "" : text[..colon];
        string rest = text[(colon + 1)..];
        return scheme switch
        {
            "grpc" => ControlPlane(text, "http", rest),
            "grpcs" => ControlPlane(text, "https", rest),
            "unix" => Socket(text, rest),
            "file" => new SourceAddress(SourceKind.Files, null, Folder(text, rest)),
            "recording" => Recorded(text, rest),
            _ => throw Wrong(text, colon < 0 ? "it has no scheme" : $"'{scheme}' is no scheme of a source"),
        };
    }

    /// <summary>Makes the source. <paramref name="client"/> is asked for only where there is a control plane.</summary>
    /// <param name="client">The options of the client for the address it is given.</param>
    /// <param name="protocol">Which stream of a recording to play.</param>
    /// <param name="log">Where the source logs.</param>
    public IResourceSource Open(Func<Uri, AdsClientOptions> client, AdsProtocol protocol, ILogger log) => Kind switch
    {
        SourceKind.ControlPlane => new AdsClient(client(Uri!), log),
        SourceKind.Files => new FileSource(Path, null, log),
        _ => new RecordingSource(Path, new RecordingSourceOptions { Protocol = protocol, LastStep = LastStep, Pause = Pause }, log),
    };

    private static SourceAddress ControlPlane(string text, string scheme, string rest)
    {
        if (!rest.StartsWith("//", StringComparison.Ordinal) || !System.Uri.TryCreate(scheme + ":" + rest, UriKind.Absolute, out Uri? uri) || uri.Host.Length == 0)
        {
            throw Wrong(text, "host and port are missing");
        }

        if (uri.IsDefaultPort && !rest.EndsWith(":80", StringComparison.Ordinal) && !rest.EndsWith(":443", StringComparison.Ordinal))
        {
            throw Wrong(text, "the port is missing");
        }

        return uri.AbsolutePath == "/" && uri.Query.Length == 0
            ? new SourceAddress(SourceKind.ControlPlane, uri, "")
            : throw Wrong(text, "nothing may follow the port");
    }

    private static SourceAddress Socket(string text, string rest)
    {
        string path = "/" + rest.TrimStart('/');
        return rest.StartsWith('/') && path.Length > 1
            ? new SourceAddress(SourceKind.ControlPlane, new Uri("unix:" + path), "")
            : throw Wrong(text, "the path of a socket must be absolute");
    }

    private static SourceAddress Recorded(string text, string rest)
    {
        string[] parts = rest.Split('?', 2);
        var address = new SourceAddress(SourceKind.Recording, null, Folder(text, parts[0]));
        foreach (string option in parts.Length == 1 ? [] : parts[1].Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] pair = option.Split('=', 2);
            address = (pair[0], pair.ElementAtOrDefault(1)) switch
            {
                ("step", { Length: > 0 } step) => address with { LastStep = step },
                ("pause", { Length: > 0 } pause) when double.TryParse(pause.TrimEnd('s'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds)
                    => address with { Pause = TimeSpan.FromSeconds(seconds) },
                _ => throw Wrong(text, $"'{option}' is no option of a recording; there are step=NAME and pause=SECONDS"),
            };
        }

        return address;
    }

    private static string Folder(string text, string path)
    {
        // file:///dir and file:/dir are the same folder; file:dir is relative.
        string folder = path.StartsWith("//", StringComparison.Ordinal) ? path[2..] : path;
        return folder.Length > 0 ? folder : throw Wrong(text, "the folder is missing");
    }

    private static SourceException Wrong(string text, string reason) =>
        new($"{text}: {reason}; a source is grpc://host:port, grpcs://host:port, unix:/path, file:DIR or recording:DIR");
}
