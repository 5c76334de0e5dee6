namespace Amesh.Translation;

/// <summary>Names and ids that several translators must agree on.</summary>
internal static class Names
{
    // APISIX's limit on the name of an object.
    private const int MaxNameLength = 100;

    /// <summary>The id of the upstream that stands for a cluster, whether the cluster has come or not.</summary>
    public static string UpstreamId(string cluster) => Apisix.ObjectId.From(cluster);

    /// <summary>A name for people, within APISIX's limit.</summary>
    public static string Readable(string name) => name.Length <= MaxNameLength ? name : name[..MaxNameLength];
}
