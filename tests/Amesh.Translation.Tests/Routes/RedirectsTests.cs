using Amesh.Apisix;
using Amesh.Translation.Routes;
using Envoy.Config.Route.V3;

namespace Amesh.Translation.Tests.Routes;

public class RedirectsTests
{
    private static readonly RouteMatch _match = new() { Prefix = "/old" };

    [Fact]
    public void Nothing_but_what_is_said_changes() => Assert.Equal(new Redirect { Status = 301 }, Translate(new RedirectAction()));

    [Fact]
    public void Every_part_may_change() => Assert.Equal(
        new Redirect { Status = 308, Scheme = "ftp", Host = "b.example", Port = 8443, Path = "/new", StripQuery = true },
        Translate(new RedirectAction
        {
            ResponseCode = RedirectAction.Types.RedirectResponseCode.PermanentRedirect,
            SchemeRedirect = "ftp",
            HostRedirect = "b.example",
            PortRedirect = 8443,
            PathRedirect = "/new",
            StripQuery = true,
        }));

    [Fact]
    public void Https_is_a_scheme_of_its_own_field() => Assert.Equal("https", Translate(new RedirectAction { HttpsRedirect = true }).Scheme);

    [Fact]
    public void A_prefix_is_replaced_as_the_route_matches_it() =>
        Assert.Equal(new PathRewrite { Prefix = "/old", To = "/new" }, Translate(new RedirectAction { PrefixRewrite = "/new" }).Rewrite);

    private static Redirect Translate(RedirectAction action)
    {
        var told = new List<Diagnostic>();
        Redirect redirect = Redirects.Translate(action, _match, new DiagnosticScope("r", told));
        Assert.Empty(told);
        return redirect;
    }
}
