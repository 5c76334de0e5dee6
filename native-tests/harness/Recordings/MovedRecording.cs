using System.IO.Compression;

namespace Amesh.Harness.Recordings;

/// <summary>
/// Moves a recorded mesh from loopback addresses to those of a pod network: <c>127.0.N.M</c> becomes <c>10.77.N.M</c>, which is as long, so that
/// nothing else of a message changes. <c>127.0.0.M</c> stays.
/// </summary>
internal static class MovedRecording
{
    /// <summary>What stands in the place of <c>127.0.</c></summary>
    public const string Network = "10.77.";

    private const string Loopback = "127.0.";

    /// <summary>Moves the recording in a folder, in place.</summary>
    public static void Move(string folder)
    {
        foreach (var path in Directory.GetFiles(folder, "*.pb.gz"))
        {
            using var all = new MemoryStream();
            using (var file = new GZipStream(File.OpenRead(path), CompressionMode.Decompress))
            {
                file.CopyTo(all);
            }
            using var moved = new GZipStream(File.Create(path), CompressionLevel.Fastest);
            moved.Write(Move(all.ToArray()));
        }
    }

    /// <summary>An address (<c>127.0.3.1:9080</c>) as it is after the move.</summary>
    public static string Of(string address) => System.Text.Encoding.ASCII.GetString(Move(System.Text.Encoding.ASCII.GetBytes(address)));

    private static byte[] Move(byte[] bytes)
    {
        var loopback = System.Text.Encoding.ASCII.GetBytes(Loopback);
        var network = System.Text.Encoding.ASCII.GetBytes(Network);
        for (var at = bytes.AsSpan().IndexOf(loopback); at >= 0;)
        {
            var after = at + loopback.Length;
            if (after < bytes.Length && bytes[after] is > (byte)'0' and <= (byte)'9')
            {
                network.CopyTo(bytes, at);
            }
            var next = bytes.AsSpan(after).IndexOf(loopback);
            at = next < 0 ? -1 : after + next;
        }
        return bytes;
    }
}
