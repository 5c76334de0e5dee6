using Amesh.Translation.Routes;
using Envoy.Config.Core.V3;
using AppendAction = Envoy.Config.Core.V3.HeaderValueOption.Types.HeaderAppendAction;

namespace Amesh.Translation.Tests.Routes;

public class HeaderMutationsTests
{
    // Envoy removes, then overwrites, then adds, whatever the order in which they are written.
    [Fact]
    public void A_level_removes_then_overwrites_then_adds()
    {
        var told = new List<Diagnostic>();
        HeaderMutations mutations = new HeaderMutations().Level(
            [Header("a", AppendAction.AppendIfExistsOrAdd), Header("b", AppendAction.OverwriteIfExistsOrAdd), Header("c", AppendAction.AddIfAbsent), Header("d", AppendAction.OverwriteIfExists)],
            ["E"],
            "request_headers_to_add",
            new DiagnosticScope("r", told));

        Assert.Equal(
            ["remove e", "set b", "overwrite_if_exists d", "append a", "add_if_absent c"],
            mutations.OrNull!.Select(mutation => $"{mutation.Op} {mutation.Name}"));
        Assert.Empty(told);
    }

    [Fact]
    public void The_older_field_goes_before_the_newer_one()
    {
        HeaderValueOption option = Header("a", AppendAction.AddIfAbsent);
        option.Append = false;
        Assert.Equal("set", Assert.Single(new HeaderMutations().Level([option], [], "f", new DiagnosticScope("r", [])).OrNull!).Op);
    }

    private static HeaderValueOption Header(string name, AppendAction action) => new() { Header = new HeaderValue { Key = name, Value = "1" }, AppendAction = action };
}
