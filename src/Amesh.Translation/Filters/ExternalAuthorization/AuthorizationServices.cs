using Amesh.Apisix;
using Amesh.Translation.Routes;
using Envoy.Config.Core.V3;
using Envoy.Extensions.Filters.Http.ExtAuthz.V3;
using Google.Protobuf.WellKnownTypes;
using Service = Envoy.Extensions.Filters.Http.ExtAuthz.V3.ExtAuthz.ServicesOneofCase;

namespace Amesh.Translation.Filters.ExternalAuthorization;

/// <summary>Who is asked whether requests go on.</summary>
internal static class AuthorizationServices
{
    // Envoy's own where nothing is said.
    private const double DefaultTimeout = 0.2;

    /// <summary>Headers that a service of HTTP is always shown.</summary>
    public static IReadOnlyList<string> AlwaysShown { get; } = ["authorization", ":method", ":path", ":authority"];

    /// <summary>Null where there is nobody who can be asked.</summary>
    public static AuthorizationService? Of(ExtAuthz filter, AskedClusters asked, DiagnosticScope diagnostics) => filter.ServicesCase switch
    {
        Service.HttpService => OfHttp(filter.HttpService, asked, diagnostics.At("http_service")),
        Service.GrpcService => OfGrpc(filter.GrpcService, asked, diagnostics.At("grpc_service")),
        _ => null,
    };

    // The host is the request's own; of server_uri the cluster counts.
    private static AuthorizationService? OfHttp(HttpService service, AskedClusters asked, DiagnosticScope diagnostics) =>
        service.ServerUri is not { Cluster.Length: > 0 } uri || service.PathPrefix.AsSpan().ContainsAny(" \r\n\t") ? null
            : new AuthorizationService("http", asked.UpstreamId(uri.Cluster), uri.Cluster, "")
            {
                Timeout = TimeoutOf(uri.Timeout),
                PathPrefix = service.PathPrefix.Length == 0 ? null : service.PathPrefix,
                Headers = Headers(service.AuthorizationRequest?.HeadersToAdd ?? [], "authorization_request.headers_to_add", diagnostics),
            };

    // What is none of Envoy's own clients (google_grpc) is unknown here.
    private static AuthorizationService? OfGrpc(GrpcService service, AskedClusters asked, DiagnosticScope diagnostics) =>
        service.EnvoyGrpc is not { ClusterName.Length: > 0 } grpc ? null
            : new AuthorizationService("grpc", asked.UpstreamId(grpc.ClusterName), grpc.ClusterName, grpc.Authority.Length > 0 ? grpc.Authority : grpc.ClusterName)
            {
                Timeout = TimeoutOf(service.Timeout),
                Headers = Headers(service.InitialMetadata, "initial_metadata", diagnostics),
            };

    private static double? TimeoutOf(Duration? timeout) => timeout is null ? DefaultTimeout : Durations.Limit(timeout);

    private static IReadOnlyList<HeaderMutation>? Headers(IEnumerable<HeaderValue> headers, string field, DiagnosticScope diagnostics) =>
        new HeaderMutations().Level(
            [.. headers.Select(header => new HeaderValueOption { Header = header, AppendAction = HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExistsOrAdd })],
            [], field, diagnostics).OrNull;
}
