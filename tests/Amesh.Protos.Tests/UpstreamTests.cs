using System.Text.Json;
using Google.Protobuf.Reflection;

namespace Amesh.Protos.Tests;

/// <summary>
/// Compares protos/ with upstream's own files, as npm's @grpc/grpc-js-xds ships them. Ours may lack what nobody reads; what ours has, upstream
/// must have in the same file and with the same name, number, type, label and oneof.
/// </summary>
public sealed class UpstreamTests
{
    /// <summary>Files that the package does not carry. Their facts are held by RecordingTests alone.</summary>
    private static readonly Dictionary<string, string> _filesNotInThePackage = [];

    /// <summary>Fields newer than the package.</summary>
    private static readonly Dictionary<string, string> _fieldsNotInThePackage = new()
    {
        ["envoy.config.cluster.v3.Cluster.dns_jitter"] = "istio/protocols sends it: a google.protobuf.Duration with number 58, as in Envoy's API of 2026",
        ["envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext.auto_host_sni"] = "a bool with number 6, as in Envoy's API of 2026",
        ["envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext.auto_sni_san_validation"] = "a bool with number 7, as in Envoy's API of 2026",
    };

    private static readonly Lazy<UpstreamFacts> _upstream = new(ReadUpstream);

    [Fact]
    public void Every_file_is_upstreams_or_listed_here() =>
        Assert.Equal(_filesNotInThePackage.Keys.Order(StringComparer.Ordinal), _upstream.Value.Missing.Order(StringComparer.Ordinal));

    [Fact]
    public void Every_message_and_field_is_as_upstream_declares_it()
    {
        List<string> differences = [];
        HashSet<string> newer = [];
        foreach (MessageDescriptor message in OurProtos.Messages.Where(IsInThePackage))
        {
            if (!_upstream.Value.Messages.TryGetValue(message.FullName, out MessageFacts? theirs))
            {
                differences.Add($"{message.FullName}: upstream has no such message in {message.File.Name}");
                continue;
            }
            if (theirs.File != message.File.Name)
            {
                differences.Add($"{message.FullName}: ours is in {message.File.Name}, upstream's in {theirs.File}");
            }
            foreach (FieldFacts ours in message.Fields.InDeclarationOrder().Select(FieldFacts.Of))
            {
                string name = $"{message.FullName}.{ours.Name}";
                FieldFacts? their = theirs.Fields.SingleOrDefault(field => field.Name == ours.Name);
                if (their is null && _fieldsNotInThePackage.ContainsKey(name))
                {
                    newer.Add(name);
                }
                else if (ours != their)
                {
                    differences.Add($"{name}: ours is {ours}, upstream's {their?.ToString() ?? "absent"}");
                }
            }
        }
        Assert.True(differences.Count == 0, string.Join("\n", differences));
        // An entry that the package has come to carry must go.
        Assert.Equal(_fieldsNotInThePackage.Keys.Order(), newer.Order());
    }

    [Fact]
    public void Every_enum_is_as_upstream_declares_it()
    {
        List<string> differences = [];
        foreach (EnumDescriptor ours in OurProtos.Enums.Where(type => !_filesNotInThePackage.ContainsKey(type.File.Name)))
        {
            string values = Join(ours.Values.Select(value => (value.Name, value.Number)));
            string theirs = _upstream.Value.Enums.TryGetValue(ours.FullName, out EnumFacts? facts)
                ? Join(facts.Values.Select(value => (value.Key, value.Value)))
                : "absent";
            if (values != theirs || facts!.File != ours.File.Name)
            {
                differences.Add($"{ours.FullName} in {ours.File.Name}: ours is {values}, upstream's {theirs} in {facts?.File}");
            }
        }
        Assert.True(differences.Count == 0, string.Join("\n", differences));
    }

    [Fact]
    public void The_comparison_covers_what_the_translator_reads()
    {
        // Guards the comparison itself: an empty list of messages would pass it.
        Assert.True(OurProtos.Messages.Count(IsInThePackage) > 300);
        Assert.Contains(OurProtos.Messages, message => message.FullName == "envoy.config.route.v3.RouteAction.HashPolicy.Cookie");
    }

    private static bool IsInThePackage(MessageDescriptor message) => !_filesNotInThePackage.ContainsKey(message.File.Name);

    private static string Join(IEnumerable<(string Name, int Number)> values) =>
        string.Join(' ', values.OrderBy(value => value.Number).ThenBy(value => value.Name, StringComparer.Ordinal).Select(value => $"{value.Name}={value.Number}"));

    private static UpstreamFacts ReadUpstream()
    {
        string files = JsonSerializer.Serialize(OurProtos.Files.Select(file => file.Name));
        return JsonSerializer.Deserialize<UpstreamFacts>(NodeScript.Run("upstream.mjs", files), JsonSerializerOptions.Web)!;
    }
}
