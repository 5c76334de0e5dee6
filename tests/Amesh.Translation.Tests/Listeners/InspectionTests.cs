using Amesh.Apisix;
using Amesh.Translation.Listeners;
using Envoy.Type.V3;
using Predicate = Envoy.Config.Listener.V3.ListenerFilterChainMatchPredicate;

namespace Amesh.Translation.Tests.Listeners;

public class InspectionTests
{
    [Fact]
    public void Ports_that_are_left_alone_are_ranges_without_their_end()
    {
        Inspector inspector = new("tls", Range(80, 82));
        Assert.Equal([new UninspectedPorts("tls", 80, 81)], inspector.Exceptions());
        Assert.Equal((true, false, false, true), (inspector.LooksAt(79), inspector.LooksAt(80), inspector.LooksAt(81), inspector.LooksAt(82)));
    }

    [Fact]
    public void The_last_port_can_be_left_alone() =>
        Assert.Equal([new UninspectedPorts("tls", 65535, 65535)], new Inspector("tls", Range(65535, 65536)).Exceptions());

    [Fact]
    public void All_but_a_range_are_two_ranges() =>
        Assert.Equal([new UninspectedPorts("http", 0, 79), new UninspectedPorts("http", 82, 65535)], new Inspector("http", new Predicate { NotMatch = Range(80, 82) }).Exceptions());

    private static Predicate Range(int start, int end) => new() { DestinationPortRange = new Int32Range { Start = start, End = end } };
}
