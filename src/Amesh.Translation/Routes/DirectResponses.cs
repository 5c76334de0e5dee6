using Amesh.Apisix;
using Envoy.Config.Core.V3;
using Envoy.Config.Route.V3;

namespace Amesh.Translation.Routes;

/// <summary>Envoy's DirectResponseAction.</summary>
internal static class DirectResponses
{
    public static DirectResponse Translate(DirectResponseAction action, DiagnosticScope diagnostics)
    {
        switch (action.Body?.SpecifierCase)
        {
            case null or DataSource.SpecifierOneofCase.None:
                return new DirectResponse(action.Status, null);
            case DataSource.SpecifierOneofCase.InlineString:
                return new DirectResponse(action.Status, action.Body.InlineString);
            case DataSource.SpecifierOneofCase.InlineBytes:
                // JSON carries text alone: bytes that are none would be changed on the way.
                string text = action.Body.InlineBytes.ToStringUtf8();
                if (!Google.Protobuf.ByteString.CopyFromUtf8(text).Equals(action.Body.InlineBytes))
                {
                    diagnostics.Refused("body.inline_bytes", "a body that is not UTF-8 is left out");
                    return new DirectResponse(action.Status, null);
                }

                return new DirectResponse(action.Status, text);
            default:
                diagnostics.NotYet("body", "a body from a file or the environment is left out");
                return new DirectResponse(action.Status, null);
        }
    }
}
