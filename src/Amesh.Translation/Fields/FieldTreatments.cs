using System.Collections.Frozen;
using Amesh.Translation.Fields.Concepts;

namespace Amesh.Translation.Fields;

/// <summary>The declared table: what Amesh does with every field of what control planes send.</summary>
internal static class FieldTreatments
{
    private static readonly FrozenDictionary<string, FieldTreatment> _fields;
    private static readonly FrozenDictionary<string, FieldTreatment> _others;

    static FieldTreatments()
    {
        Dictionary<string, FieldTreatment> fields = [];
        Dictionary<string, FieldTreatment> others = [];
        foreach (MessageTreatments message in Concepts.SelectMany(concept => concept.Messages))
        {
            if (message.Others is { } treatment)
            {
                others.Add(message.Message, treatment);
            }

            foreach ((string field, FieldTreatment declared) in message)
            {
                // Add, not set: a field that is declared twice is a mistake.
                fields.Add($"{message.Message}.{field}", declared);
            }
        }

        _fields = fields.ToFrozenDictionary();
        _others = others.ToFrozenDictionary();
    }

    /// <summary>The whole table, in the order in which a reader wants it.</summary>
    public static IReadOnlyList<Concept> Concepts { get; } =
    [
        DiscoveryFields.Concept,
        RouteConfigurationFields.Concept,
        RouteFields.Concept,
        RouteMatchFields.Concept,
        RouteActionFields.Concept,
        RetryFields.Concept,
        FaultFields.Concept,
        CrossOriginFields.Concept,
        ClusterFields.Concept,
        HealthCheckFields.Concept,
        UpstreamProtocolFields.Concept,
        EndpointFields.Concept,
        ListenerFields.Concept,
        HttpConnectionManagerFields.Concept,
        TcpFields.Concept,
        TlsFields.Concept,
        AccessFields.Concept,
        AuthorizationFields.Concept,
        JwtFields.Concept,
        RateLimitFields.Concept,
        TelemetryFields.Concept,
        SharedFields.Concept,
    ];

    /// <summary>What holds for a field. One that no table names is not translated yet.</summary>
    public static FieldTreatment Of(string message, string field) =>
        _fields.TryGetValue($"{message}.{field}", out FieldTreatment? declared) ? declared
        : _others.TryGetValue(message, out FieldTreatment? others) ? others
        : FieldTreatment.Default;

    /// <summary>Whether somebody has looked at the field.</summary>
    public static bool IsDeclared(string message, string field) => _fields.ContainsKey($"{message}.{field}") || _others.ContainsKey(message);
}
