using Amesh.Apisix;
using Envoy.Config.Core.V3;

namespace Amesh.Translation.Routes;

/// <summary>The headers to add and to remove, level by level, in the order in which Envoy applies them.</summary>
internal sealed class HeaderMutations
{
    private readonly List<HeaderMutation> _mutations = [];

    /// <summary>The changes so far; null where there are none.</summary>
    public IReadOnlyList<HeaderMutation>? OrNull => _mutations.Count == 0 ? null : _mutations;

    /// <summary>Adds a level: what it removes, what it overwrites, what it adds.</summary>
    public HeaderMutations Level(
        IReadOnlyList<HeaderValueOption> add, IEnumerable<string> remove, string field, DiagnosticScope diagnostics)
    {
        foreach (string name in remove)
        {
            _mutations.Add(new HeaderMutation("remove", name.ToLowerInvariant(), null));
        }

        var additions = new List<HeaderMutation>();
        foreach (HeaderValueOption option in add)
        {
            if (option.Header is { Key.Length: > 0 } && MutationOf(option, field, diagnostics) is { } mutation)
            {
                (mutation.Op is "set" or "overwrite_if_exists" ? _mutations : additions).Add(mutation);
            }
        }

        _mutations.AddRange(additions);
        return this;
    }

    // Null for a header that is never written, since it is empty.
    private static HeaderMutation? MutationOf(HeaderValueOption option, string field, DiagnosticScope diagnostics)
    {
        string name = option.Header.Key.ToLowerInvariant();
        string value = ValueOf(option.Header, field, diagnostics);
        bool format = value.Contains('%', StringComparison.Ordinal);
        if (format && HeaderFormats.Unknown(value) is { } unknown)
        {
            diagnostics.NotYet($"{field}[{name}]", $"the command operator {unknown} stands for nothing");
        }

        return value.Length == 0 && !option.KeepEmptyValue
            ? null
            : new HeaderMutation(OperationOf(option), name, value)
            {
                Format = format ? true : null,
                KeepEmpty = format && option.KeepEmptyValue ? true : null,
            };
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
        if (header.RawValue.IsEmpty)
        {
            return header.Value;
        }

        // JSON carries text alone.
        string text = header.RawValue.ToStringUtf8();
        if (!Google.Protobuf.ByteString.CopyFromUtf8(text).Equals(header.RawValue))
        {
            diagnostics.Refused($"{field}[{header.Key}].raw_value", "a value that is not UTF-8 is left out");
            return "";
        }

        return text;
    }
}
