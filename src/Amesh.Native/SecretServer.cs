using Amesh.Xds;
using Amesh.Xds.Ads;
using Amesh.Xds.Nodes;
using Amesh.Xds.Secrets;
using Amesh.Xds.Sources;
using Envoy.Config.Core.V3;
using Microsoft.Extensions.Logging;

namespace Amesh.Native;

/// <summary>Which server is asked for secrets that do not come with everything else.</summary>
internal static class SecretServer
{
    private const string Off = "off";

    /// <summary>The server's client; null where none is wanted.</summary>
    /// <param name="option">What the user says; empty for nothing.</param>
    /// <param name="bootstrap">A bootstrap of Envoy's; null or empty for none.</param>
    /// <param name="node">Who we are.</param>
    /// <param name="log">Where it logs.</param>
    /// <exception cref="SourceException">An address or the bootstrap cannot be used.</exception>
    public static SecretAgent? Open(string option, string? bootstrap, Node node, ILogger log) =>
        AddressOf(option, bootstrap) is { } address ? new SecretAgent(new AdsClientOptions { Address = address, Node = node }, log) : null;

    internal static Uri? AddressOf(string option, string? bootstrap)
    {
        if (option == Off)
        {
            return null;
        }

        if (option.Length > 0)
        {
            return SourceAddress.Parse(option).Uri is { Scheme: not "https" } uri
                ? uri
                : throw new SourceException($"sds: {option}: use unix:/path, grpc://host:port or off");
        }

        return (string.IsNullOrEmpty(bootstrap) ? null : BootstrapCluster.AddressOf(bootstrap, BootstrapCluster.SecretServer))
            ?? new Uri("unix:" + SecretAgent.DefaultSocket);
    }
}
