using System.Text.Json;
using Amesh.Xds.Json;
using Envoy.Config.Core.V3;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Xds.Nodes;

/// <summary>
/// The node that istio-agent would make of a proxy's environment. The rules are those of Istio's <c>pkg/bootstrap</c>:
/// <c>ISTIO_META_NAME=value</c> becomes the metadata key NAME with a text, <c>ISTIO_METAJSON_NAME=json</c> every key of the JSON
/// object (or NAME itself where the value is no object, and for LABELS and ANNOTATIONS), and a few variables without prefix have
/// keys of their own.
/// </summary>
internal static class IstioEnvironment
{
    /// <summary>Where Istio's injector mounts the labels of the pod.</summary>
    public const string LabelsFile = "/etc/istio/pod/labels";

    private const string Text = "ISTIO_META_";
    private const string Json = "ISTIO_METAJSON_";

    // Variables without prefix, and the metadata key that each becomes.
    private static readonly (string Variable, string Key)[] Plain =
    [
        ("POD_NAME", "NAME"),
        ("POD_NAMESPACE", "NAMESPACE"),
        ("SERVICE_ACCOUNT", "SERVICE_ACCOUNT"),
        ("NODE_NAME", "NODE_NAME"),
        ("CLUSTER_ID", "CLUSTER_ID"),
        ("MESH_ID", "MESH_ID"),
        ("NETWORK", "NETWORK"),
        ("WORKLOAD_NAME", "WORKLOAD_NAME"),
        ("INTERCEPTION_MODE", "INTERCEPTION_MODE"),
        ("ISTIO_VERSION", "ISTIO_VERSION"),
    ];

    public static Node Node(IReadOnlyDictionary<string, string> environment, string labelsFile)
    {
        var metadata = new Struct();
        var labels = ReadLabels(labelsFile);
        foreach ((string variable, string key) in Plain)
        {
            if (Value(environment, variable) is { } value)
            {
                metadata.Fields[key] = Google.Protobuf.WellKnownTypes.Value.ForString(value);
            }
        }

        foreach ((string variable, string value) in environment.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (variable.StartsWith(Json, StringComparison.Ordinal))
            {
                AddJson(variable, value, metadata, labels);
            }
            else if (variable.StartsWith(Text, StringComparison.Ordinal))
            {
                metadata.Fields[variable[Text.Length..]] = Google.Protobuf.WellKnownTypes.Value.ForString(value);
            }
        }

        string ip = Value(environment, "INSTANCE_IP") ?? Addresses(metadata).FirstOrDefault() ?? "127.0.0.1";
        if (!metadata.Fields.ContainsKey("INSTANCE_IPS"))
        {
            metadata.Fields["INSTANCE_IPS"] = Google.Protobuf.WellKnownTypes.Value.ForString(ip);
        }

        Default(metadata, "CLUSTER_ID", "Kubernetes");
        Default(metadata, "MESH_ID", "cluster.local");
        Default(metadata, "INTERCEPTION_MODE", "REDIRECT");
        Default(metadata, "NAMESPACE", "default");
        Default(metadata, "NAME", "amesh");
        if (labels.Fields.Count > 0)
        {
            metadata.Fields["LABELS"] = Google.Protobuf.WellKnownTypes.Value.ForStruct(labels);
        }

        string pod = metadata.Fields["NAME"].StringValue;
        string space = metadata.Fields["NAMESPACE"].StringValue;
        string domain = Value(environment, "DNS_DOMAIN") ?? $"{space}.svc.{Value(environment, "DOMAIN_SUFFIX") ?? "cluster.local"}";
        string workload = metadata.Fields.TryGetValue("WORKLOAD_NAME", out Value? name) ? name.StringValue
            : labels.Fields.TryGetValue("app", out Value? app) ? app.StringValue : "istio-proxy";
        return new Node
        {
            Id = $"{Value(environment, "PROXY_TYPE") ?? "sidecar"}~{ip}~{pod}.{space}~{domain}",
            Cluster = $"{workload}.{space}",
            Metadata = metadata,
            Locality = LocalityOf(labels),
        };
    }

    private static string? Value(IReadOnlyDictionary<string, string> environment, string name) =>
        environment.TryGetValue(name, out string? value) && value.Length > 0 ? value : null;

    private static string[] Addresses(Struct metadata) =>
        metadata.Fields.TryGetValue("INSTANCE_IPS", out Value? ips) ? ips.StringValue.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : [];

    private static void Default(Struct metadata, string key, string value)
    {
        if (!metadata.Fields.ContainsKey(key))
        {
            metadata.Fields[key] = Google.Protobuf.WellKnownTypes.Value.ForString(value);
        }
    }

    private static void AddJson(string variable, string value, Struct metadata, Struct labels)
    {
        string key = variable[Json.Length..];
        Value parsed;
        try
        {
            using JsonDocument document = JsonDocument.Parse(value);
            byte[] bytes = ProtoJson.Encode(document.RootElement, Google.Protobuf.WellKnownTypes.Value.Descriptor, variable, []);
            parsed = Google.Protobuf.WellKnownTypes.Value.Parser.ParseFrom(bytes);
        }
        catch (JsonException e)
        {
            throw new SourceException($"{variable}: not JSON: {e.Message}", e);
        }

        if (key == "LABELS" && parsed.StructValue is { } given)
        {
            labels.Fields.Add(given.Fields.Where(label => !labels.Fields.ContainsKey(label.Key)).ToDictionary());
        }
        else if (parsed.StructValue is { } members && key is not "ANNOTATIONS")
        {
            foreach ((string name, Value member) in members.Fields)
            {
                metadata.Fields[name] = member;
            }
        }
        else
        {
            metadata.Fields[key] = parsed;
        }
    }

    // key="value" lines as the downward API writes them; the value is quoted as in Go, which for labels is as in JSON.
    private static Struct ReadLabels(string file)
    {
        var labels = new Struct();
        string[] lines;
        try
        {
            lines = File.ReadAllLines(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return labels;
        }

        foreach (string line in lines)
        {
            int equals = line.IndexOf('=');
            if (equals > 0)
            {
                labels.Fields[line[..equals]] = Google.Protobuf.WellKnownTypes.Value.ForString(line[(equals + 1)..].Trim().Trim('"'));
            }
        }

        return labels;
    }

    private static Locality? LocalityOf(Struct labels)
    {
        // Istio's own label goes before what Kubernetes puts on nodes; its value has dots, since labels may not have slashes.
        string[] parts = labels.Fields.TryGetValue("istio-locality", out Value? locality) ? locality.StringValue.Split('.') : [];
        string region = parts.ElementAtOrDefault(0) ?? Label("topology.kubernetes.io/region");
        string zone = parts.ElementAtOrDefault(1) ?? Label("topology.kubernetes.io/zone");
        string subZone = parts.ElementAtOrDefault(2) ?? Label("topology.istio.io/subzone");
        return region.Length + zone.Length + subZone.Length == 0 ? null : new Locality { Region = region, Zone = zone, SubZone = subZone };

        string Label(string name) => labels.Fields.TryGetValue(name, out Value? value) ? value.StringValue : "";
    }
}
