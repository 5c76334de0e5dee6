using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Nodes;
using Amesh.Harness.Certificates;

namespace Amesh.Harness.Recordings;

/// <summary>
/// A copy of a recording in which every certificate is of the run's own authority, for a control plane to replay. Secrets that the recorded
/// proxy had from elsewhere than the control plane (Istio's <c>default</c> and <c>ROOTCA</c>, which the node's agent gives) are added to its first step.
/// </summary>
internal static class RewrittenRecording
{
    private const string SecretUrl = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
    private const string ResponseDirection = "response";
    private static readonly string[] Protocols = ["delta", "sotw"];

    /// <summary>Writes the copy.</summary>
    /// <param name="from">The recording.</param>
    /// <param name="to">A folder for the copy; it is made.</param>
    /// <param name="authority">The run's authority.</param>
    /// <param name="isGateway">True when secrets stay as recorded.</param>
    public static void Write(string from, string to, RunAuthority authority, bool isGateway)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)), overwrite: true);
        }
        foreach (var protocol in Protocols.Where(protocol => File.Exists(Path.Combine(from, protocol + ".pb.gz"))))
        {
            var substitution = new CertificateSubstitution(authority, isGateway);
            WriteStream(from, to, protocol, substitution, WorkloadIdentity(Path.Combine(from, "node.json")));
        }
    }

    /// <summary>The identity of Istio's workload: its service account, or its own name where that is the namespace's default one.</summary>
    internal static string WorkloadIdentity(string nodeFile)
    {
        var metadata = JsonNode.Parse(File.ReadAllText(nodeFile))?["metadata"];
        var account = metadata?["SERVICE_ACCOUNT"]?.GetValue<string>() ?? "default";
        var name = account == "default" ? metadata?["WORKLOAD_NAME"]?.GetValue<string>() ?? account : account;
        return $"spiffe://cluster.local/ns/{metadata?["NAMESPACE"]?.GetValue<string>() ?? "default"}/sa/{name}";
    }

    private static void WriteStream(string from, string to, string protocol, CertificateSubstitution substitution, string identity)
    {
        var delta = protocol == "delta";
        var messages = Unzip(Path.Combine(from, protocol + ".pb.gz"));
        var events = JsonNode.Parse(File.ReadAllBytes(Path.Combine(from, protocol + ".events.json")))!.AsArray();
        var recorded = new HashSet<string>(StringComparer.Ordinal);
        var rewritten = new List<(JsonObject About, ReadOnlyMemory<byte>? Message)>();
        foreach (var about in events.Select(static about => about!.DeepClone().AsObject()))
        {
            var type = Text(about, "type_url");
            if (Text(about, "dir") != ResponseDirection)
            {
                rewritten.Add((about, null));
                continue;
            }
            if (type == SecretUrl)
            {
                recorded.UnionWith(Names(about, "resources"));
            }
            var message = Undelimited(messages.AsMemory((int)about["offset"]!, (int)about["length"]!));
            rewritten.Add((about, Rewrite(message, delta, type[(type.LastIndexOf('.') + 1)..], substitution)));
        }
        var missing = substitution.CertificateNames.Except(recorded).Select(name => (Name: name, Secret: substitution.Certificate(name, identity)))
            .Concat(substitution.ValidationNames.Except(recorded).Select(name => (Name: name, Secret: substitution.Authority(name)))).ToList();
        if (missing.Count > 0)
        {
            AddSecrets(rewritten, missing, delta);
        }
        Save(to, protocol, rewritten);
    }

    private static ReadOnlyMemory<byte> Rewrite(ReadOnlyMemory<byte> response, bool delta, string type, CertificateSubstitution substitution) =>
        // DeltaDiscoveryResponse: resources, each with an Any; DiscoveryResponse: Anys.
        new WireEditor(response).Edit(delta ? [2, 2, 2] : [2, 2], resource => substitution.Apply(type, resource)).ToBytes();

    private static void AddSecrets(List<(JsonObject About, ReadOnlyMemory<byte>? Message)> events, List<(string Name, ReadOnlyMemory<byte> Secret)> missing, bool delta)
    {
        var names = new JsonArray([.. missing.Select(static one => JsonValue.Create(one.Name))]);
        // In SotW every request names all that is wanted.
        var asked = delta ? "subscribe" : "resource_names";
        foreach (var (about, _) in events.Where(one => Text(one.About, "dir") != ResponseDirection && Text(one.About, "type_url") == SecretUrl && !delta))
        {
            about[asked] = new JsonArray([.. Names(about, asked).Concat(missing.Select(static one => one.Name)).Select(static name => JsonValue.Create(name))]);
        }
        JsonObject About(string direction, string key) => new() { ["step"] = Text(events[0].About, "step"), ["at_ms"] = 0, ["dir"] = direction, ["type_url"] = SecretUrl, [key] = names.DeepClone() };
        var response = new WireEditor();
        foreach (var (name, secret) in missing)
        {
            var any = new WireEditor().Add(1, SecretUrl).Add(2, secret).ToBytes();
            response.Add(2, delta ? new WireEditor().Add(3, name).Add(1, "1").Add(2, any).ToBytes() : any);
        }
        var sent = About(ResponseDirection, "resources");
        sent["version"] = "1";
        sent["nonce"] = "added";
        events.InsertRange(0, [(About("request", asked), null), (sent, response.Add(4, SecretUrl).Add(5, "added").ToBytes())]);
    }

    private static void Save(string folder, string protocol, List<(JsonObject About, ReadOnlyMemory<byte>? Message)> events)
    {
        using var bytes = new MemoryStream();
        foreach (var (about, message) in events)
        {
            about["offset"] = bytes.Length;
            if (message is { } sent)
            {
                var delimited = WireEditor.Delimited(sent);
                about["length"] = delimited.Length;
                bytes.Write(delimited.Span);
            }
        }
        using (var file = new GZipStream(File.Create(Path.Combine(folder, protocol + ".pb.gz")), CompressionLevel.Fastest))
        {
            file.Write(bytes.ToArray());
        }
        File.WriteAllText(Path.Combine(folder, protocol + ".events.json"), new JsonArray([.. events.Select(static one => one.About)]).ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
    }

    private static ReadOnlyMemory<byte> Undelimited(ReadOnlyMemory<byte> delimited)
    {
        var start = 0;
        while ((delimited.Span[start++] & 0x80) != 0)
        {
        }
        return delimited[start..];
    }

    private static byte[] Unzip(string path)
    {
        using var file = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var all = new MemoryStream();
        file.CopyTo(all);
        return all.ToArray();
    }

    private static string Text(JsonObject about, string key) => about[key]?.GetValue<string>() ?? "";

    private static IEnumerable<string> Names(JsonObject about, string key) => about[key]?.AsArray().Select(static name => name!.GetValue<string>()) ?? [];
}
