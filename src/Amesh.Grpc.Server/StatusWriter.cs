using System.Globalization;
using Amesh.Grpc.Wire;
using Microsoft.AspNetCore.Http;

namespace Amesh.Grpc.Server;

/// <summary>Puts the status where it belongs: into trailers after messages, else into the headers ("trailers-only").</summary>
internal static class StatusWriter
{
    public static void Write(HttpResponse response, GrpcStatusCode code, string detail, IEnumerable<KeyValuePair<string, string>> metadata)
    {
        bool only = !response.HasStarted;
        if (only)
        {
            response.ContentType = WireFormat.ContentType;
        }
        void Add(string name, string value)
        {
            if (only)
            {
                response.Headers.Append(name, value);
            }
            else
            {
                response.AppendTrailer(name, value);
            }
        }
        Add(WireFormat.Status, ((int)code).ToString(CultureInfo.InvariantCulture));
        if (detail.Length > 0)
        {
            Add(WireFormat.Message, WireFormat.EncodeMessage(detail));
        }
        foreach ((string name, string value) in metadata)
        {
            Add(name, value);
        }
    }
}
