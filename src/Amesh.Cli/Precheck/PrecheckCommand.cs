using System.CommandLine;

namespace Amesh.Cli.Precheck;

/// <summary><c>amesh precheck</c>: what is missing or wrong in an APISIX, and how to put it right.</summary>
internal static class PrecheckCommand
{
    private static readonly Option<string> Apisix = new("--apisix")
    {
        Description = "The home of the APISIX: the folder with conf/config.yaml, such as /usr/local/apisix.",
        Required = true,
    };

    private static readonly Option<string?> Openresty = new("--openresty")
    {
        Description = "The nginx that APISIX runs on; openresty on the PATH if not given.",
    };

    private static readonly Func<ApisixInstallation, IEnumerable<Finding>>[] Checks =
        [ProviderCheck.Run, PlaceCheck.Run, RuntimeCheck.Run, ReloadCheck.Run, PluginCheck.Run, DictionaryCheck.Run, LibraryCheck.Run, AccessCheck.Run, SourceCheck.Run, CaptureCheck.Run];

    public static Command Create()
    {
        var command = new Command("precheck", "Say what is missing or wrong in an APISIX that is to serve a mesh. Exit code 0 when all is well.") { Apisix, Openresty };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult arguments)
    {
        TextWriter output = arguments.InvocationConfiguration.Output;
        ApisixInstallation apisix = ApisixInstallation.Open(arguments.GetValue(Apisix)!, arguments.GetValue(Openresty));
        output.WriteLine(apisix.Configuration.File);
        int wrong = 0;
        foreach (Finding finding in Checks.SelectMany(check => check(apisix)))
        {
            output.WriteLine(finding);
            wrong += finding.Verdict == Verdict.Wrong ? 1 : 0;
        }

        output.WriteLine(wrong == 0 ? "All is well. (`apisix test` lets nginx read it.)" : $"{wrong} to put right.");
        return wrong == 0 ? 0 : 1;
    }
}
