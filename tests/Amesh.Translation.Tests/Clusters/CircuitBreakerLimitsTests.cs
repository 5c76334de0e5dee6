using Amesh.Translation.Clusters;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Type.V3;
using Thresholds = Envoy.Config.Cluster.V3.CircuitBreakers.Types.Thresholds;

namespace Amesh.Translation.Tests.Clusters;

public class CircuitBreakerLimitsTests
{
    [Fact]
    public void Defaults_and_limits_that_cannot_be_reached_are_none()
    {
        Assert.Null(CircuitBreakerLimits.Translate(null));
        Assert.Null(Of(new Thresholds { MaxRequests = 1024, MaxRetries = 3 }));
        Assert.Null(Of(new Thresholds { MaxConnections = uint.MaxValue, MaxPendingRequests = uint.MaxValue, MaxRequests = uint.MaxValue, MaxRetries = uint.MaxValue }));
    }

    [Fact]
    public void Beside_a_limit_that_is_given_the_defaults_hold() => Assert.Equal(
        """{"max_connections":1,"max_pending":1024,"max_requests":1024,"max_retries":3}""",
        Of(new Thresholds { MaxConnections = 1 }));

    [Fact]
    public void What_istio_leaves_open_stays_open() => Assert.Equal(
        """{"max_connections":2,"max_pending":0}""",
        Of(new Thresholds { MaxConnections = 2, MaxPendingRequests = 0, MaxRequests = uint.MaxValue, MaxRetries = uint.MaxValue }));

    [Fact]
    public void What_no_counter_of_nginx_reaches_is_no_limit()
    {
        Assert.Equal("""{"max_connections":2147483646,"max_retries":3}""", Of(new Thresholds { MaxConnections = int.MaxValue - 1, MaxPendingRequests = int.MaxValue, MaxRequests = (uint)int.MaxValue + 1 }));
    }

    [Fact]
    public void High_priority_has_limits_of_its_own() => Assert.Equal(
        """{"high":{"max_connections":1024,"max_pending":1024,"max_requests":5,"max_retries":3}}""",
        Of(new Thresholds(), new Thresholds { Priority = RoutingPriority.High, MaxRequests = 5 }));

    [Fact]
    public void A_retry_budget_takes_the_place_of_the_number_of_retries() => Assert.Equal(
        """{"max_connections":1024,"max_pending":1024,"max_requests":1024,"retry_budget":12.5,"min_retries":3}""",
        Of(new Thresholds { MaxRetries = 9, RetryBudget = new Thresholds.Types.RetryBudget { BudgetPercent = new Percent { Value = 12.5 } } }));

    [Fact]
    public void Both_priorities_fit_a_label_of_apisix()
    {
        var most = new Thresholds { MaxConnections = 2147483646, MaxPendingRequests = 2147483646, MaxRequests = 2147483646, MaxRetries = 2147483646 };
        Thresholds high = most.Clone();
        high.Priority = RoutingPriority.High;
        Assert.True(Apisix.Schema.IsLabel(Of(most, high)!));
    }

    private static string? Of(params Thresholds[] thresholds) => CircuitBreakerLimits.Translate(new CircuitBreakers { Thresholds = { thresholds } });
}
