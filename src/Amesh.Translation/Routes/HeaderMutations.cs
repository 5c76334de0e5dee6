using Amesh.Apisix;
using Envoy.Config.Core.V3;

namespace Amesh.Translation.Routes;

/// <summary>The headers to add and to remove at one level, in the order in which Envoy applies them.</summary>
internal sealed class HeaderMutations
{
    private readonly List<HeaderMutation> _mutations = [];

    /// <summary>The changes so far; null where there are none.</summary>
    public IReadOnlyList<HeaderMutation>? OrNull => _mutations.Count == 0 ? null : _mutations;

    /// <summary>Adds a level. Envoy goes from the weighted cluster over route and virtual host to the route configuration.</summary>
    public HeaderMutations Level(
        IEnumerable<HeaderValueOption> add, IEnumerable<string> remove, string field, DiagnosticScope diagnostics)
    {
        foreach (HeaderValueOption option in add)
        {
            if (option.Header is { Key.Length: > 0 } header)
            {
                _mutations.Add(new HeaderMutation(OperationOf(option), header.Key.ToLowerInvariant(), ValueOf(header, field, diagnostics)));
            }
        }

        foreach (string name in remove)
        {
            _mutations.Add(new HeaderMutation("remove", name.ToLowerInvariant(), null));
        }

        return this;
    }

    private static string OperationOf(HeaderValueOption option)
    {
        if (option.Append is { } append)
        {
            return append ? "append" : "set";
        }

        return option.AppendAction switch
        {
            HeaderValueOption.Types.HeaderAppendAction.AddIfAbsent => "add_if_absent",
            HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExistsOrAdd => "set",
            HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExists => "overwrite_if_exists",
            _ => "append",
        };
    }

    private static string ValueOf(HeaderValue header, string field, DiagnosticScope diagnostics)
    {
        if (header.Value.Contains('%') && header.Value.Replace("%%", "", StringComparison.Ordinal).Contains('%'))
        {
            diagnostics.NotYet($"{field}[{header.Key}]", "Envoy's command operators (%…%) in header values are sent as they are written");
        }

        return header.Value.Replace("%%", "%", StringComparison.Ordinal);
    }
}
