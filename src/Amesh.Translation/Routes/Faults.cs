using Amesh.Apisix;
using Envoy.Extensions.Filters.Http.Fault.V3;
using EnvoyAbort = Envoy.Extensions.Filters.Http.Fault.V3.FaultAbort;
using FaultAbort = Amesh.Apisix.FaultAbort;

namespace Amesh.Translation.Routes;

/// <summary>Envoy's fault filter, as a route or a virtual host configures it.</summary>
/// <remarks>
/// Not APISIX's fault-injection: it counts in whole percents, and its order against Amesh's own plugin would be by
/// priority, not Envoy's (delay, then abort, then everything else).
/// </remarks>
internal static class Faults
{
    public static Fault? Translate(HTTPFault fault, DiagnosticScope diagnostics)
    {
        if (fault.Headers.Count > 0 || fault.UpstreamCluster.Length > 0 || fault.DownstreamNodes.Count > 0)
        {
            diagnostics.NotYet("headers", "the fault is left out: its own conditions are not translated");
            return null;
        }

        var result = new Fault { Delay = Delay(fault, diagnostics), Abort = Abort(fault, diagnostics) };
        return result.Delay is null && result.Abort is null ? null : result;
    }

    private static FaultDelay? Delay(HTTPFault fault, DiagnosticScope diagnostics)
    {
        if (fault.Delay is not { } delay)
        {
            return null;
        }

        if (Durations.Limit(delay.FixedDelay) is not { } seconds)
        {
            diagnostics.NotYet("delay", "only a fixed delay is translated; there is none");
            return null;
        }

        return new FaultDelay(seconds, Fractions.Ppm(delay.Percentage));
    }

    private static FaultAbort? Abort(HTTPFault fault, DiagnosticScope diagnostics)
    {
        switch (fault.Abort?.ErrorTypeCase)
        {
            case null or EnvoyAbort.ErrorTypeOneofCase.None:
                return null;
            case EnvoyAbort.ErrorTypeOneofCase.HttpStatus:
                return new FaultAbort(fault.Abort.HttpStatus, Fractions.Ppm(fault.Abort.Percentage));
            case EnvoyAbort.ErrorTypeOneofCase.GrpcStatus:
                return new FaultAbort(200, Fractions.Ppm(fault.Abort.Percentage)) { GrpcStatus = fault.Abort.GrpcStatus };
            default:
                diagnostics.NotYet("abort", "an abort by header is not translated; there is none");
                return null;
        }
    }
}
