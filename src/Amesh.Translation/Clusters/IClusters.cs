using Amesh.Apisix;

namespace Amesh.Translation.Clusters;

/// <summary>What routes and TCP proxies say otherwise for another kind of cluster.</summary>
internal interface IClusters
{
    /// <summary>What kind of cluster a name stands for now.</summary>
    ClusterKind KindOf(string cluster);

    /// <summary>What a cluster of the connection's own destination says besides; null for nothing.</summary>
    OriginalDestination? OriginalDstOf(string cluster);

    /// <summary>The <see cref="SubsetName"/> of what requests go to that ask for these <see cref="LbMarks"/>, or the cluster's own.</summary>
    string TargetOf(string cluster, string marks);
}
