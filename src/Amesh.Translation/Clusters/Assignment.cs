using Envoy.Config.Endpoint.V3;

namespace Amesh.Translation.Clusters;

/// <summary>A cluster's endpoints and the policy that came with them.</summary>
/// <param name="Groups">By locality and priority.</param>
internal sealed record Assignment(EndpointGroup[] Groups)
{
    // Envoy's default for overprovisioning_factor, in percent: a priority with 72% of its endpoints healthy still takes everything.
    private const uint DefaultOverprovisioning = 140;

    public static Assignment None { get; } = new([]);

    /// <summary>By how much endpoints could take more than their share, as a factor.</summary>
    public double Overprovisioning { get; init; } = DefaultOverprovisioning / 100.0;

    /// <summary>Whether a priority's health is told by the weights of its endpoints and not by their number.</summary>
    public bool WeightedHealth { get; init; }

    /// <summary>Requests that are answered with 503 for nothing, in parts per million.</summary>
    public long Dropped { get; init; }

    public static Assignment From(ClusterLoadAssignment message, DiagnosticScope diagnostics)
    {
        ClusterLoadAssignment.Types.Policy? policy = message.Policy;
        return new Assignment([.. message.Endpoints.Select((locality, i) => EndpointGroup.From(locality, diagnostics.At($"endpoints[{i}]")))])
        {
            Overprovisioning = (policy?.OverprovisioningFactor ?? DefaultOverprovisioning) / 100.0,
            WeightedHealth = policy?.WeightedPriorityHealth ?? false,
            Dropped = DroppedBy(policy, diagnostics),
        };
    }

    private static long DroppedBy(ClusterLoadAssignment.Types.Policy? policy, DiagnosticScope diagnostics)
    {
        if (policy is null || policy.DropOverloads.Count == 0)
        {
            return 0;
        }

        if (policy.DropOverloads.Count > 1)
        {
            diagnostics.Refused("policy.drop_overloads", "more than one category, which Envoy refuses as well; the first is taken");
        }

        return Fractions.Ppm(policy.DropOverloads[0].DropPercentage);
    }
}
