using Amesh.Apisix;
using Envoy.Config.Route.V3;

namespace Amesh.Translation.Routes;

/// <summary>How long requests of a route may take.</summary>
internal static class StreamLimits
{
    // Envoy's default for RouteAction.timeout.
    private const double DefaultTimeout = 15;

    /// <summary>The limits of an action, added to a plugin's configuration.</summary>
    public static AmeshPlugin AddTo(AmeshPlugin plugin, RouteAction action)
    {
        plugin = plugin with { IdleTimeout = Durations.Limit(action.IdleTimeout) };

        // Envoy: where there is a limit for the stream, the older ones for the answer do not count.
        if (action.MaxStreamDuration is { } stream)
        {
            return plugin with { MaxStream = LimitOf(stream) };
        }

        return plugin with
        {
            Timeout = action.Timeout is { } timeout ? Durations.Limit(timeout) : DefaultTimeout,
            MaxGrpcTimeout = action.MaxGrpcTimeout is { } grpc ? Durations.Seconds(grpc) : null,
            GrpcTimeoutOffset = Durations.Limit(action.GrpcTimeoutOffset),
        };
    }

    private static StreamLimit? LimitOf(RouteAction.Types.MaxStreamDuration stream)
    {
        var limit = new StreamLimit
        {
            Seconds = Durations.Limit(stream.MaxStreamDuration_),
            GrpcMax = stream.GrpcTimeoutHeaderMax is { } max ? Durations.Seconds(max) : null,
            GrpcOffset = Durations.Limit(stream.GrpcTimeoutHeaderOffset),
        };
        return limit == new StreamLimit() ? null : limit;
    }
}
