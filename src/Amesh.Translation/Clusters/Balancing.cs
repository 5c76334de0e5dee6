using Envoy.Config.Cluster.V3;

namespace Amesh.Translation.Clusters;

/// <summary>Envoy's load balancing policies as APISIX's balancers.</summary>
/// <remarks>
/// APISIX's least_conn keeps a heap and takes its head, so requests that come one after another all go to one endpoint;
/// Envoy draws two and takes the less busy one. Hence a balancer of ours where Envoy draws lots.
/// </remarks>
internal static class Balancing
{
    public static string TypeOf(Cluster cluster, DiagnosticScope diagnostics)
    {
        switch (cluster.LbPolicy)
        {
            case Cluster.Types.LbPolicy.RoundRobin:
            case Cluster.Types.LbPolicy.ClusterProvided:
                return "roundrobin";
            case Cluster.Types.LbPolicy.LeastRequest:
                return "amesh_least_request";
            case Cluster.Types.LbPolicy.Random:
                return "amesh_random";
            case Cluster.Types.LbPolicy.RingHash:
            case Cluster.Types.LbPolicy.Maglev:
                return "amesh_hash";
            default:
                diagnostics.NotYet("lb_policy", "endpoints are drawn at random");
                return "amesh_random";
        }
    }
}
