using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using Amesh.Grpc.Wire;

namespace Amesh.Grpc.Client;

/// <summary>The status of a call whose server did not give one, by gRPC's <c>http-grpc-status-mapping</c> and PROTOCOL-HTTP2 documents.</summary>
internal static class Failure
{
    public static GrpcStatusCode FromHttp(HttpStatusCode status) => (int)status switch
    {
        400 => GrpcStatusCode.Internal,
        401 => GrpcStatusCode.Unauthenticated,
        403 => GrpcStatusCode.PermissionDenied,
        404 => GrpcStatusCode.Unimplemented,
        429 or 502 or 503 or 504 => GrpcStatusCode.Unavailable,
        _ => GrpcStatusCode.Unknown,
    };

    public static CallEnd FromException(Exception exception, Target target, GrpcChannelOptions options)
    {
        HttpProtocolException? protocol = null;
        for (Exception? e = exception; e is not null; e = e.InnerException)
        {
            switch (e)
            {
                case GrpcException grpc:
                    return new CallEnd(grpc.StatusCode, grpc.Detail, grpc.Trailers, grpc.InnerException);
                case HttpProtocolException found:
                    protocol = found;
                    break;
            }
        }
        if (protocol is not null)
        {
            return FromHttp2(protocol, target, options, exception);
        }
        string hint = target.Secure && options.Tls?.CertificateFile is null ? "; it may want a client certificate"
            : options.KeepAlivePingDelay is not null ? "; or keepalive pings were not answered"
            : "";
        return new CallEnd(GrpcStatusCode.Unavailable, $"the connection to {target.Text} broke: {Messages(exception)}{hint}", Cause: exception);
    }

    private static CallEnd FromHttp2(HttpProtocolException protocol, Target target, GrpcChannelOptions options, Exception exception)
    {
        (GrpcStatusCode code, string name) = protocol.ErrorCode switch
        {
            // A stream is not reset so; it is a connection that was closed in good order, as servers do to rotate or stop.
            0x0 => (GrpcStatusCode.Unavailable, "NO_ERROR"),
            // Also what the handler reports when a keepalive ping is not answered, or what answers is not HTTP/2.
            0x1 => (options.KeepAlivePingDelay is null ? GrpcStatusCode.Internal : GrpcStatusCode.Unavailable, "PROTOCOL_ERROR"),
            0x2 => (GrpcStatusCode.Internal, "INTERNAL_ERROR"),
            0x3 => (GrpcStatusCode.Internal, "FLOW_CONTROL_ERROR"),
            0x4 => (GrpcStatusCode.Internal, "SETTINGS_TIMEOUT"),
            0x6 => (GrpcStatusCode.Internal, "FRAME_SIZE_ERROR"),
            0x7 => (GrpcStatusCode.Unavailable, "REFUSED_STREAM"),
            0x8 => (GrpcStatusCode.Cancelled, "CANCEL"),
            0x9 => (GrpcStatusCode.Internal, "COMPRESSION_ERROR"),
            0xa => (GrpcStatusCode.Internal, "CONNECT_ERROR"),
            0xb => (GrpcStatusCode.ResourceExhausted, "ENHANCE_YOUR_CALM"),
            0xc => (GrpcStatusCode.PermissionDenied, "INADEQUATE_SECURITY"),
            var other => (GrpcStatusCode.Unknown, $"0x{other:x}"),
        };
        string hint = protocol.ErrorCode switch
        {
            0x1 when options.KeepAlivePingDelay is not null => ": a broken connection, keepalive pings that were not answered, or something that is not HTTP/2",
            0x1 => ": is this the address of a gRPC server, and is TLS on or off on both sides?",
            0xb => ": keepalive pings are more frequent than the server allows, or it is overloaded",
            _ => "",
        };
        return new CallEnd(code, $"{target.Text} ended the stream with HTTP/2 error {name}{hint}", Cause: exception);
    }

    /// <summary>The status in a block of headers or trailers; null when it has none.</summary>
    public static CallEnd? FromHeaders(HttpHeaders headers, Target target, HttpHeaders? more = null)
    {
        if (!headers.NonValidated.TryGetValues(WireFormat.Status, out HeaderStringValues values))
        {
            return null;
        }
        GrpcMetadata trailers = Metadata(headers, more);
        string text = values.ToString();
        string detail = headers.NonValidated.TryGetValues(WireFormat.Message, out HeaderStringValues message)
            ? WireFormat.DecodeMessage(message.ToString())
            : "";
        return int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int number) && number <= 16
            ? new CallEnd((GrpcStatusCode)number, detail.Length > 0 || number == 0 ? detail : $"{target.Text} gave no message", trailers)
            : new CallEnd(GrpcStatusCode.Unknown, $"{target.Text} ended the call with grpc-status '{text}', which is no status{(detail.Length > 0 ? ": " + detail : "")}", trailers);
    }

    /// <summary>What among headers or trailers is metadata.</summary>
    public static GrpcMetadata Metadata(HttpHeaders headers, HttpHeaders? more = null)
    {
        GrpcMetadata metadata = new();
        foreach (HttpHeaders? part in (ReadOnlySpan<HttpHeaders?>)[headers, more])
        {
            if (part is null)
            {
                continue;
            }
            foreach ((string name, HeaderStringValues values) in part.NonValidated)
            {
                string lower = name.ToLowerInvariant();
                if (WireFormat.IsProtocolHeader(lower))
                {
                    continue;
                }
                foreach (string value in values)
                {
                    metadata.AddReceived(lower, value);
                }
            }
        }
        return metadata;
    }

    private static string Messages(Exception exception)
    {
        string text = exception.Message;
        for (Exception? e = exception.InnerException; e is not null; e = e.InnerException)
        {
            if (e is SocketException or AuthenticationException or IOException && !text.Contains(e.Message, StringComparison.Ordinal))
            {
                text += $" ({e.Message})";
            }
        }
        return text;
    }
}
