using System.IO.Compression;
using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Amesh.Protos.Tests;

/// <summary>One recorded stream under samples/: responses of a control plane, in order.</summary>
internal sealed record RecordedStream(string File)
{
    public static IEnumerable<RecordedStream> All =>
        Directory.EnumerateFiles(Path.Combine(Repository.Root, "samples"), "*.pb.gz", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal)
            .Select(file => new RecordedStream(file));

    /// <summary>Such as "istio/bookinfo/delta".</summary>
    public string Name => Path.GetRelativePath(Path.Combine(Repository.Root, "samples"), File).Replace(".pb.gz", "", StringComparison.Ordinal);

    public MessageDescriptor ResponseType => Path.GetFileName(File).StartsWith("delta", StringComparison.Ordinal)
        ? DeltaDiscoveryResponse.Descriptor
        : DiscoveryResponse.Descriptor;

    /// <summary>The bytes of each response.</summary>
    public IEnumerable<ByteString> Responses()
    {
        using GZipStream gzip = new(System.IO.File.OpenRead(File), CompressionMode.Decompress);
        using MemoryStream bytes = new();
        gzip.CopyTo(bytes);
        using CodedInputStream input = new(bytes.ToArray());
        while (!input.IsAtEnd)
        {
            yield return input.ReadBytes();
        }
    }
}
